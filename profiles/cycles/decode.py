"""Thumb instructions as the pairs model sees them: kind, registers written, read, addressed."""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import Any

_CONDITIONS = "eq ne cs hs cc lo mi pl vs vc hi ls ge lt gt le al".split()
_BRANCHES = {"b", "bl", "bx", "blx", "cbz", "cbnz", *(f"b{c}" for c in _CONDITIONS)}
_FLOAT_ACCUMULATE = ("vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms", "vfnma", "vfnms")


class Kind(enum.Enum):
    """Classes of equal timing."""

    SIMPLE = "simple"  # ALU, multiplies, multiply-accumulates, SIMD
    IT = "it"
    LOAD = "load"  # one register, integer or single-precision
    STORE_IMMEDIATE = "store immediate"  # address = register + constant
    STORE_REGISTER = "store register"  # address = register + register
    MULTIPLE = "multiple"  # LDM, STM, PUSH, POP, LDRD, STRD and their floating-point forms
    BRANCH = "branch"
    TABLE_BRANCH = "table branch"
    DIVIDE = "divide"
    FLOAT = "float"
    FLOAT_ACCUMULATE = "float accumulate"
    FLOAT_DIVIDE = "float divide"
    FLOAT_MOVE_PAIR = "float move pair"
    BARRIER = "barrier"


@dataclass(frozen=True)
class Instruction:
    """One decoded instruction.

    Attributes:
        kind: its class of timing.
        registers: how many registers a MULTIPLE transfers.
        writes: names of registers it writes, as far as the model cares.
        reads: names of registers it reads.
        address: names of registers that form its address.
    """

    kind: Kind
    registers: int = 1
    writes: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    address: frozenset[str] = frozenset()


def decode_block(code: bytes, address: int) -> list[Instruction]:
    """Decode the Thumb instructions in ``code``.

    An encoding that the disassembler does not know counts as a simple instruction.
    """
    found: list[Instruction] = []
    at = 0
    while at < len(code):
        for insn in _disassembler().disasm(code[at:], address + at):
            found.append(_classify(insn))
            at += insn.size
        if at + 1 < len(code):  # skip what was not understood
            half = int.from_bytes(code[at : at + 2], "little")
            at += 4 if half >> 11 >= 29 else 2
            found.append(Instruction(Kind.SIMPLE))
        else:
            break
    return found


@functools.cache
def _disassembler() -> Any:
    import capstone

    engine = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    engine.detail = True
    return engine


def _classify(insn: Any) -> Instruction:
    name = insn.mnemonic.split(".")[0]
    reads_ids, writes_ids = insn.regs_access()
    reads = frozenset(insn.reg_name(r) for r in reads_ids)
    writes = frozenset(insn.reg_name(r) for r in writes_ids)
    address, indexed = _address(insn)
    kind, registers = _kind(name, insn, indexed)
    return Instruction(kind, registers, writes, reads, address)


def _address(insn: Any) -> tuple[frozenset[str], bool]:
    """Registers of the memory operand, and whether it has an index register."""
    for operand in insn.operands:
        if operand.type == 3:  # capstone's ARM_OP_MEM
            registers = [r for r in (operand.mem.base, operand.mem.index) if r]
            return frozenset(insn.reg_name(r) for r in registers), bool(operand.mem.index)
    return frozenset(), False


def _kind(name: str, insn: Any, indexed: bool) -> tuple[Kind, int]:
    if name.startswith("v"):
        return _float_kind(name, insn)
    if name in _BRANCHES:
        return Kind.BRANCH, 1
    if name in ("tbb", "tbh"):
        return Kind.TABLE_BRANCH, 1
    if name.startswith(("ldrd", "strd")):
        return Kind.MULTIPLE, 2
    if name.startswith(("ldm", "stm")):
        return Kind.MULTIPLE, len(insn.operands) - 1
    if name.startswith(("push", "pop")):
        return Kind.MULTIPLE, len(insn.operands)
    if name.startswith("ldr"):
        return Kind.LOAD, 1
    if name.startswith("str"):
        return (Kind.STORE_REGISTER if indexed else Kind.STORE_IMMEDIATE), 1
    if name.startswith(("sdiv", "udiv")):
        return Kind.DIVIDE, 1
    if name.startswith(("dsb", "dmb", "isb")):
        return Kind.BARRIER, 1
    if name.startswith("it") and not insn.operands:
        return Kind.IT, 1
    return Kind.SIMPLE, 1


def _float_kind(name: str, insn: Any) -> tuple[Kind, int]:
    if name.startswith(("vldr", "vstr")):
        double = insn.op_str.startswith("d")
        if double:
            return Kind.MULTIPLE, 2
        return (Kind.LOAD if name.startswith("vldr") else Kind.STORE_REGISTER), 1
    if name.startswith(("vldm", "vstm", "vpush", "vpop")):
        registers = insn.op_str[insn.op_str.index("{") :]
        words = 2 if "d" in registers else 1
        return Kind.MULTIPLE, words * (registers.count(",") + 1)
    if name.startswith(("vdiv", "vsqrt")):
        return Kind.FLOAT_DIVIDE, 1
    if name.startswith(_FLOAT_ACCUMULATE):
        return Kind.FLOAT_ACCUMULATE, 1
    if name.startswith("vmov") and len(insn.operands) > 2:
        return Kind.FLOAT_MOVE_PAIR, 1
    return Kind.FLOAT, 1
