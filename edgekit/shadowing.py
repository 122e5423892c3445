"""edgekit's code lies in several top-level packages; a user's own module of such a name would be
imported instead. Better a clear error than a strange one."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

SIBLINGS = ("quantize", "codegen", "targets", "profiles")


def check_siblings() -> None:
    """Check that the sibling packages are edgekit's own.

    Raises:
        ImportError: naming each file that hides one.
    """
    home = Path(__file__).resolve().parent.parent
    hidden = []
    for name in SIBLINGS:
        spec = find_spec(name)
        found = Path(spec.origin).resolve() if spec and spec.origin else None
        if found is None or found.parent.parent != home:
            hidden.append(f"'{name}' is {found or 'missing'} instead of {home / name}")
    if hidden:
        raise ImportError(
            "edgekit's packages are hidden by other modules of the same name: "
            + "; ".join(hidden)
            + ". Rename yours, or run from another folder."
        )
