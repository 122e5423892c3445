"""Exit codes, written once: the program ends with them and docs/exit-codes.md prints them."""

from __future__ import annotations

OK = 0
CHECK_FAILED = 1
USAGE = 2
REFUSED = 3
TOOL = 4
INTERRUPTED = 130
PIPE_CLOSED = 141
TERMINATED = 143

MEANING: dict[int, tuple[str, str]] = {
    OK: ("ok", "The command did what it was asked to do."),
    CHECK_FAILED: (
        "a check failed",
        "Results that must be identical are not, or a bug in edgekit was met "
        "(`internal error`; run again with `--debug`).",
    ),
    USAGE: ("usage", "An option, an argument or the config file is wrong."),
    REFUSED: (
        "model or data refused",
        "The model or the data cannot be read, is not supported or does not fit the board; or a "
        "file cannot be read or written.",
    ),
    TOOL: (
        "toolchain or emulator missing or failed",
        "A compiler, an emulator or a Python package is missing or failed; "
        "`edgekit doctor` says what is present.",
    ),
    INTERRUPTED: ("interrupted", "Ctrl-C. Nothing half-written is left."),
    TERMINATED: ("terminated", "SIGTERM, as from `timeout`. Nothing half-written is left."),
    PIPE_CLOSED: ("pipe closed", "The reader of standard output went away, as `head` does."),
}
