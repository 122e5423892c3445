"""edgekit's code lies in several top-level packages; a user's own module of such a name would be
imported instead. Better a clear error than a strange one."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from edgekit.errors import Problem, UsageError

SIBLINGS = ("quantize", "codegen", "targets", "profiles")


def check_siblings() -> None:
    """Check that the sibling packages are edgekit's own.

    Raises:
        UsageError: naming each file that hides one.
    """
    home = Path(__file__).resolve().parent.parent
    hidden = []
    for name in SIBLINGS:
        spec = find_spec(name)
        found = Path(spec.origin).resolve() if spec and spec.origin else None
        if found is None or found.parent.parent != home:
            hint = "Rename it, or run from another folder." if found else "Install edgekit again."
            what = f"is {found}" if found else "is missing"
            hidden.append(Problem(what, f"package '{name}'", str(home / name), hint))
    if hidden:
        raise UsageError("edgekit's own packages are hidden by modules of the same name", hidden)
