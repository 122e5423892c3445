"""Entry point of the ``edgekit`` program."""

from __future__ import annotations

import signal
import sys

from edgekit.cli.exits import INTERRUPTED, TERMINATED


def main() -> None:
    """Run the command line; the process ends with the exit codes of docs/exit-codes.md."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        # imported here so that Ctrl-C during the imports is as quiet as later
        from edgekit.cli.app import cli

        cli.main(prog_name="edgekit")
    except KeyboardInterrupt:
        sys.stderr.write("\nedgekit: interrupted\n")
        sys.exit(INTERRUPTED)


def _terminate(signum: int, frame: object) -> None:
    """End by way of every ``finally``, so that nothing half-written stays behind."""
    sys.exit(TERMINATED)


if __name__ == "__main__":
    main()
