"""A stranger's operators and kernels: one Python file and its C files, loaded only when named.

A plugin file defines ``PLUGIN``, a `Plugin`. What it lists enters the same registries that
edgekit's own operators are in, so that nothing else needs to know of plugins. It is ordinary Python
and runs with the rights of the user: it is loaded where a command line or a program names it, never
because a model, a configuration file or a folder does.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codegen.c import kernels
from codegen.c.literals import float_literal
from codegen.c.operators import EMITTERS
from codegen.c.step import Emitter, StepWriter
from edgekit.errors import Problem, UsageError
from edgekit.importers.onnx.context import Call, Refusal
from edgekit.importers.onnx.registry import HANDLERS
from edgekit.ir import DType, Node
from edgekit.ir.op import Op, Shape, require
from edgekit.ir.ops import OPS
from quantize.reference.definitions import DEFINITIONS, Definition

__all__ = ["Call", "DType", "Emitter", "Node", "Op", "Operator", "Plugin", "Refusal", "Shape",
           "StepWriter", "float_literal", "load_plugin", "require"]  # fmt: skip

_KERNEL_NAME = re.compile(r"ek_\w+\.[ch]")
_OPERATOR_NAME = re.compile(r"(\w+(\.\w+)*\.)?\w+")


@dataclass(frozen=True)
class Operator:
    """A new operator.

    Attributes:
        op: frozen dataclass of its attributes, derived from `Op`.
        definition: ``(op, node, *inputs) -> output`` in numpy: what is right.
        emitter: how it becomes C.
        onnx: ``domain.OpType`` of the ONNX nodes that it stands for (``OpType`` alone in the
            default domain); empty where it is not imported from ONNX.
        importer: handler of these nodes; None where ``onnx`` is empty.
    """

    op: type[Op]
    definition: Definition
    emitter: Emitter
    onnx: str = ""
    importer: Callable[[Call], None] | None = None


@dataclass(frozen=True)
class Plugin:
    """What a plugin file adds.

    Attributes:
        name: how it is called in messages.
        operators: new operators.
        kernels: C files, relative to the plugin file, named ``ek_NAME.c`` or ``.h``.
        emitters: kernels that replace edgekit's own for an operator that it has.
    """

    name: str
    operators: tuple[Operator, ...] = ()
    kernels: tuple[str, ...] = ()
    emitters: Mapping[type[Op], Emitter] = field(default_factory=dict)


_loaded: dict[str, Plugin] = {}
"""Digest of a plugin file -> what it gave; loading it again changes nothing."""


def load_plugin(path: Path | str) -> Plugin:
    """Run a plugin file and register what it lists.

    Args:
        path: the Python file.

    Raises:
        UsageError: it cannot be read or run, has no ``PLUGIN``, or what it lists is wrong; with
            every problem found. Nothing is registered then.
    """
    path = Path(path)
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"cannot read the plugin {path}: {error.strerror}") from None
    if digest not in _loaded:
        plugin = _run(path, digest)
        files = {(path.parent / name).name: path.parent / name for name in plugin.kernels}
        problems = [*_operator_problems(plugin), *_kernel_problems(files)]
        if problems:
            raise UsageError(f"the plugin {path} cannot be used", problems)
        _register(plugin, files)
        _loaded[digest] = plugin
    return _loaded[digest]


def _run(path: Path, digest: str) -> Plugin:
    name = f"edgekit_plugin_{digest[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file; a plugin's name ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        what = f"{type(error).__name__}: {error}"
        problem = Problem(what, str(path), hint="--debug shows where.")
        raise UsageError("the plugin raised an error while it was loaded", [problem]) from error
    plugin = getattr(module, "PLUGIN", None)
    if not isinstance(plugin, Plugin):
        raise UsageError(f"{path} defines no PLUGIN = edgekit.plugins.Plugin(...)")
    return plugin


def _operator_problems(plugin: Plugin) -> list[Problem]:
    problems = []
    for operator in plugin.operators:
        where = f"operator '{operator.op.__name__}'"
        if operator.op.__name__ in OPS:
            problems.append(Problem("the name is taken", where, hint="Rename its class."))
        if bool(operator.onnx) != (operator.importer is not None):
            problems.append(Problem("onnx and importer go together", where, "both or none"))
        if operator.onnx and not _OPERATOR_NAME.fullmatch(operator.onnx):
            problems.append(Problem(f"onnx is '{operator.onnx}'", where, "domain.OpType"))
        if operator.onnx in HANDLERS:
            problems.append(Problem(f"'{operator.onnx}' is imported already", where))
    known = {*EMITTERS, *(o.op for o in plugin.operators)}
    for op in plugin.emitters:
        if op not in known:
            problems.append(Problem("has no kernel to replace", f"operator '{op.__name__}'"))
    return problems


def _kernel_problems(files: Mapping[str, Path]) -> list[Problem]:
    problems = []
    for name, file in files.items():
        if not _KERNEL_NAME.fullmatch(name):
            problems.append(Problem("is no kernel's name", str(file), "ek_NAME.c or ek_NAME.h"))
        elif name in kernels.locate():
            problems.append(Problem("has the name of a kernel of edgekit", str(file)))
        elif not file.is_file():
            problems.append(Problem("is missing", str(file)))
    return problems


def _register(plugin: Plugin, files: Mapping[str, Path]) -> None:
    kernels.add(files)
    for operator in plugin.operators:
        OPS[operator.op.__name__] = operator.op
        DEFINITIONS[operator.op] = operator.definition
        EMITTERS[operator.op] = operator.emitter
        if operator.importer is not None:
            HANDLERS[operator.onnx] = operator.importer
    EMITTERS.update(plugin.emitters)
