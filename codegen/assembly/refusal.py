"""Why a kernel in assembly cannot compute a node: a text, empty where it can."""

from __future__ import annotations


class OtherKind(str):
    """A reason that says nothing of a node: the kernel is for layers of another kind.

    Any other text is worth showing to the user.
    """

    __slots__ = ()
