"""How commands end badly: the right exit code, a readable block, no traceback."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from edgekit import errors
from edgekit.cli.app import COMMANDS
from edgekit.errors import Problem
from tests.cli.conftest import FakeApi, Runner

CONVERT = ("convert", "m.onnx", "--target", "cortex-m4", "-o", "out")
PROBLEMS = [
    Problem("operator 'Loop' is not supported", "node 'a'", "Conv, Add", "Replace it."),
    Problem("operator 'Scan' is not supported", "node 'b'"),
]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.CheckFailed("results differ", PROBLEMS), 1),
        (errors.UsageError("wrong option", PROBLEMS), 2),
        (errors.ModelError("model refused", PROBLEMS), 3),
        (errors.DataError("data refused", PROBLEMS), 3),
        (errors.FitError("too big", PROBLEMS), 3),
        (errors.ToolError("no compiler", PROBLEMS), 4),
        (errors.InternalError("a bug", PROBLEMS), 1),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, Exception) else "",
)
def test_own_errors(
    error: errors.EdgekitError, code: int, api: FakeApi, edgekit_cli: Runner
) -> None:
    api.error = error
    result = edgekit_cli(*CONVERT)
    assert result.exit_code == code
    assert result.stdout == ""
    assert f"edgekit: {error.summary}" in result.stderr
    for problem in PROBLEMS:
        assert f"  - {problem}" in result.stderr
    assert "Traceback" not in result.stderr


def test_one_cause_is_told_once(api: FakeApi, edgekit_cli: Runner) -> None:
    loops = [Problem("'Loop' is not supported", f"node '{i}'", hint="Unroll.") for i in range(12)]
    api.error = errors.ModelError("model refused", [*loops, PROBLEMS[1]])
    lines = edgekit_cli(*CONVERT).stderr.splitlines()
    places = ", ".join(f"node '{i}'" for i in range(8))
    assert lines[-2:] == [
        f"  - {places} and 4 more: 'Loop' is not supported. Unroll.",
        f"  - {PROBLEMS[1]}",
    ]
    raw = json.loads(edgekit_cli(*CONVERT, "--json").stdout)
    assert len(raw["error"]["problems"]) == 13


def test_error_as_json(api: FakeApi, edgekit_cli: Runner) -> None:
    api.error = errors.ModelError("model refused", PROBLEMS)
    result = edgekit_cli(*CONVERT, "--json")
    raw = json.loads(result.stdout)
    assert raw["schema_version"] == 1
    assert raw["error"]["kind"] == "model refused"
    assert raw["error"]["problems"][0] == {
        "what": "operator 'Loop' is not supported",
        "where": "node 'a'",
        "allowed": "Conv, Add",
        "hint": "Replace it.",
    }
    assert "model refused" in result.stderr


def test_bug_is_one_line_and_debug_tells_more(api: FakeApi, edgekit_cli: Runner) -> None:
    api.error = KeyError("lost")
    result = edgekit_cli(*CONVERT)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == (
        "edgekit: internal error: KeyError: 'lost' (run again with --debug)"
    )
    assert "Traceback" not in result.stderr
    assert "Traceback" in edgekit_cli(*CONVERT, "--debug").stderr


def test_debug_by_environment(
    api: FakeApi, edgekit_cli: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.error = errors.ModelError("no")
    monkeypatch.setenv("EDGEKIT_DEBUG", "1")
    result = edgekit_cli(*CONVERT)
    assert result.exit_code == 3
    assert "Traceback" in result.stderr


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "out/m.c"), 3, "out/m.c: No space left"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 3, "/x: Permission denied"),
        (MemoryError(), 3, "too little memory"),
        (ModuleNotFoundError("no", name="unicorn"), 4, "'unicorn' is missing"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (RecursionError("deep"), 1, "internal error"),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, BaseException) else "",
)
def test_foreign_errors(
    error: BaseException, code: int, text: str, api: FakeApi, edgekit_cli: Runner
) -> None:
    api.error = error
    result = edgekit_cli(*CONVERT)
    assert result.exit_code == code
    assert text in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("convert",),
        ("nonsense",),
        ("convert", "m.onnx", "--target", "t", "-o", "o", "--rounding", "up"),
        ("convert", "m.onnx", "--target", "t", "-o", "o", "--vectors", "0"),
        ("convert", "m.onnx", "--target", "t", "-o", "o", "--outputs", "a,,b"),
        ("convert", "m.onnx", "--target", "t", "-o", "o", "--shape", "x"),
        ("convert", "m.onnx", "--target", "t", "-o", "o", "--shape", "x=1,n"),
        ("convert", "m.onnx", "--target", "t", "-o", "o", "--shape", "x=1,0"),
        ("run", "out", "--input", "x.npz"),
        ("targets", "show", "z80"),
        ("debug", "out", "--tensors", "a"),
    ],
    ids=" ".join,
)
def test_usage(arguments: tuple[str, ...], api: FakeApi, edgekit_cli: Runner) -> None:
    result = edgekit_cli(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "edgekit: " in result.stderr
    raw = json.loads(edgekit_cli(*arguments, "--json").stdout)
    assert raw["error"]["kind"] == "usage"


def test_json_after_two_dashes_is_no_option(edgekit_cli: Runner) -> None:
    result = edgekit_cli("report", "--", "--json")
    assert result.exit_code == 3
    assert result.stdout == ""


def program(code: str, stdout: int | IO[str] | None = None) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


SLOW = """
import sys, time, types, edgekit
api = types.ModuleType("edgekit.api")
def inspect(model, target, **options):
    print("started", file=sys.stderr, flush=True)
    time.sleep(60)
api.inspect = inspect
sys.modules["edgekit.api"] = edgekit.api = api
sys.argv[1:] = ["inspect", "m.onnx"]
from edgekit.cli.main import main
main()
"""


def test_ctrl_c() -> None:
    process = program(SLOW)
    assert process.stderr is not None
    assert process.stderr.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    text = process.stderr.read()
    assert process.wait(timeout=10) == 130
    assert text.strip() == "edgekit: interrupted"


def test_reader_that_goes_away() -> None:
    code = "import sys; sys.argv[1:]=['targets']; from edgekit.cli.main import main; main()"
    read, write = os.pipe()
    os.close(read)
    process = program(code, stdout=write)
    os.close(write)
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(timeout=20) == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_disk_under_stdout() -> None:
    code = "import sys; sys.argv[1:]=['targets']; from edgekit.cli.main import main; main()"
    with open("/dev/full", "w", encoding="utf-8") as full:
        process = program(code, stdout=full)
        assert process.stderr is not None
        text = process.stderr.read()
        assert process.wait(timeout=20) == 3
    assert "No space left on device" in text
    assert "Traceback" not in text
    assert "Exception ignored" not in text


@pytest.mark.parametrize(
    ("change", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
    ids=["terminal", "NO_COLOR", "TERM=dumb"],
)
def test_escapes_only_where_they_are_wanted(change: dict[str, str], coloured: bool) -> None:
    """Result, progress, warning and failure on a terminal."""
    pty = pytest.importorskip("pty", reason="this system has no pseudo terminals")
    code = (
        "import sys; from edgekit.cli.ui import Ui; from edgekit.report.terminal import warning\n"
        "from edgekit.cli.main import main; ui = Ui()\n"
        "with ui.progress() as step: step('one'); step('two')\n"
        "ui.warn('three'); ui.show(warning('four')); sys.argv[1:] = ['nonsense']; main()"
    )
    try:
        inner, outer = pty.openpty()
    except OSError as error:
        pytest.skip(f"this system has no pseudo terminal: {error}")
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
    environment |= {"TERM": "xterm", "PYTHONPATH": ":".join(filter(None, sys.path)), **change}
    line = [sys.executable, "-c", code]
    process = subprocess.Popen(line, env=environment, stdout=outer, stderr=outer, stdin=outer)
    os.close(outer)
    text = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while piece := os.read(inner, 4096):
            text += piece
    os.close(inner)
    assert process.wait(timeout=20) == 2
    for word in (b"one", b"two", b"three", b"four", b"nonsense"):
        assert word in text
    assert (b"\x1b" in text) == coloured


def test_quick_interrupts_leave_no_traceback() -> None:
    """Ctrl-C while modules are still being imported."""
    code = "import sys; sys.argv[1:]=['targets']; from edgekit.cli.main import main; main()"
    for delay in (0.06, 0.1, 0.15, 0.2):
        process = program(code, stdout=subprocess.DEVNULL)
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=20)
        starting = "Fatal Python error" in text  # Python's own start, whose site.py has a main too
        if not starting and (", in main" in text or "interrupted" in text):
            assert "Traceback" not in text
            assert process.returncode == 130


def test_every_command_is_covered_by_a_file() -> None:
    for place in COMMANDS.values():
        __import__(place.partition(":")[0])
