"""What was found out about a layer is asked for again: by choice, plan, cost and emission."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])
MOST = 256
"""Answers that are kept for each function, the last ones."""


def cached(function: F) -> F:
    """Answer equal questions once. A node equals itself alone, and is kept with its answer."""
    return cast(F, functools.lru_cache(MOST)(function))
