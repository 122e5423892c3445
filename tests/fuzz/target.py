"""What a mutant is given to: import it, and lower what is accepted, under limits."""

from __future__ import annotations

import resource
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from edgekit.errors import EdgekitError, InternalError
from edgekit.importers import load_model
from edgekit.ir import Graph
from edgekit.options import ConvertOptions
from edgekit.pipeline.lowering import is_quantized, lower
from edgekit.pipeline.source import ModelSource
from targets.load import load_core

SECONDS = 10
"""Longer is a hang."""
MEMORY_BYTES = 4 * 2**30
LOWERED_ELEMENTS = 2**20
"""Accepted graphs with larger tensors are imported only."""


class TookTooLongError(BaseException):
    """The alarm rang; not an Exception, so that no handler swallows it."""


@dataclass(frozen=True)
class Outcome:
    """What happened to one mutant.

    Attributes:
        parsed: the container's parser (protobuf, flatbuffers) accepts it.
        accepted: it became a graph.
        failure: traceback, hang or memory; empty where all is well.
    """

    parsed: bool
    accepted: bool
    failure: str


def limit_memory() -> None:
    """Hold this process to `MEMORY_BYTES` of address space."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def attempt(data: bytes, path: Path) -> Outcome:
    """Import ``data`` through the file ``path``.

    A refusal (`EdgekitError` other than an internal one) is a good answer; any other exception,
    more than `SECONDS` or more memory than allowed is a failure.
    """
    path.write_bytes(data)
    parsed = _parses(data, path.suffix)
    try:
        with _alarm():
            graph = load_model(path)
            _lower(graph, path)
        return Outcome(parsed, True, "")
    except InternalError:
        return Outcome(parsed, False, traceback.format_exc())
    except EdgekitError as error:
        empty = "" if str(error).strip() else "a refusal without a message"
        return Outcome(parsed, False, empty)
    except TookTooLongError:
        return Outcome(parsed, False, f"more than {SECONDS} s\n{traceback.format_exc()}")
    except MemoryError:
        return Outcome(parsed, False, f"more than {MEMORY_BYTES:,} bytes\n{traceback.format_exc()}")
    except Exception:
        return Outcome(parsed, False, traceback.format_exc())


def _lower(graph: Graph, path: Path) -> None:
    values = [*graph.inputs, *(v for n in graph.nodes for v in (*n.inputs, *n.outputs) if v)]
    if sum(v.type.size for v in values) > LOWERED_ELEMENTS:
        return
    options = ConvertOptions("host", precision="int8" if is_quantized(graph) else "float32")
    lower(ModelSource(graph, path.name, None, path.suffix[1:]), load_core("host"), options, None)


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(signum: int, frame: FrameType | None) -> None:
        raise TookTooLongError

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _parses(data: bytes, suffix: str) -> bool:
    try:
        if suffix == ".onnx":
            import onnx

            onnx.load_from_string(data)
        else:
            from ai_edge_litert import schema_py_generated as schema

            if data[4:8] != b"TFL3":
                return False
            schema.ModelT.InitFromPackedBuf(data, 0)
    except Exception:
        return False
    return True
