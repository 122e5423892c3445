"""Entry point of the ``edgekit`` program."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; the process ends with the exit codes of docs/exit-codes.md."""
    try:
        # imported here so that Ctrl-C during the imports is as quiet as later
        from edgekit.cli.app import cli

        cli.main(prog_name="edgekit")
    except KeyboardInterrupt:
        sys.stderr.write("\nedgekit: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
