"""Cortex-M4 cycles of a basic block, by looking at neighbouring instructions.

Source: Cortex-M4 Technical Reference Manual (DDI0439), "Instruction set summary" and "Load/store
timings"; floating point: "FPU instruction set". Times are for memory without wait states:

- an LDR takes 2 cycles; directly after another LDR 1, unless its address needs that one's result;
- an STR with constant offset takes 1 cycle (write buffer), with register offset 2;
- LDM, STM, PUSH, POP, LDRD, STRD take 1 + N for N registers and do not overlap with neighbours;
- a taken branch takes 1 + P to refill the pipeline, P between 1 and 3;
- division takes 2 to 12, depending on the operands; an IT may be folded into its predecessor;
- floating point takes 1, multiply-accumulate 3, division and square root 14, and one more where
  the next instruction needs the result.

The three sets of assumptions: `low` overlaps whatever may overlap, P = 1, divisions of 2; `high`
overlaps no loads, P = 3, divisions of 12, and a stall of 1 for an address that the instruction
before has just computed; `typical` follows the rules above with P = 2 and divisions of 7.
"""

from __future__ import annotations

from collections.abc import Sequence

from profiles.cycles.decode import Instruction, Kind
from profiles.cycles.model import Cost

REFILL = Cost(1, 2, 3)
FLASH_LINE_BYTES = 16

_FIXED = {
    Kind.SIMPLE: Cost(1, 1, 1),
    Kind.IT: Cost(0, 1, 1),
    Kind.STORE_REGISTER: Cost(2, 2, 2),
    Kind.STORE_IMMEDIATE: Cost(1, 1, 2),
    Kind.BRANCH: Cost(1, 1, 1),
    Kind.TABLE_BRANCH: Cost(2, 2, 3),
    Kind.DIVIDE: Cost(2, 7, 12),
    Kind.FLOAT: Cost(1, 1, 1),
    Kind.FLOAT_ACCUMULATE: Cost(3, 3, 3),
    Kind.FLOAT_DIVIDE: Cost(14, 14, 14),
    Kind.FLOAT_MOVE_PAIR: Cost(2, 2, 2),
    Kind.BARRIER: Cost(1, 1, 4),
}
_FLOAT = (Kind.FLOAT, Kind.FLOAT_ACCUMULATE, Kind.FLOAT_DIVIDE)
_COMPUTES = (Kind.SIMPLE, Kind.DIVIDE)


def block_cost(block: Sequence[Instruction]) -> Cost:
    """Cycles of one execution of a block, without the refill after its last branch."""
    total = Cost()
    previous: Instruction | None = None
    for instruction in block:
        total += instruction_cost(instruction, previous)
        previous = instruction
    return total


def instruction_cost(instruction: Instruction, previous: Instruction | None) -> Cost:
    """Cycles of one instruction after its predecessor in the same block."""
    if instruction.kind is Kind.LOAD:
        cost = Cost(1, 1, 2) if _overlaps(instruction, previous) else Cost(2, 2, 2)
    elif instruction.kind is Kind.MULTIPLE:
        cycles = 1 + instruction.registers
        cost = Cost(cycles, cycles, cycles)
    else:
        cost = _FIXED[instruction.kind]
    if previous is None:
        return cost
    if previous.kind in _FLOAT and previous.writes & instruction.reads:
        cost += Cost(0, 1, 1)
    if previous.kind in _COMPUTES and previous.writes & instruction.address:
        cost += Cost(0, 0, 1)
    return cost


def _overlaps(load: Instruction, previous: Instruction | None) -> bool:
    """A load overlaps with a load before it whose result it does not need for its address."""
    if previous is None or previous.kind is not Kind.LOAD:
        return False
    return not previous.writes & load.address


def taken_cost(wait_states: int) -> Cost:
    """Cycles that a taken branch adds: refill, and flash where no cache holds the target."""
    return REFILL + Cost(0, wait_states, wait_states)


def fetch_cost(code_bytes: int, wait_states: int) -> Cost:
    """Cycles to fetch a block from flash where nothing prefetches: one stall a flash line."""
    return Cost(0, 0, wait_states * -(-code_bytes // FLASH_LINE_BYTES))
