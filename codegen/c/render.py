"""Templates: Python computes, templates place. An undefined name is an error."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codegen.c.literals import comment, float_literal

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters.update(comment=comment, float_literal=float_literal, size=math.prod)
    return environment


def render(template: str, context: dict[str, Any]) -> str:
    """Text of a template of this package."""
    return _environment().get_template(template).render(context)
