"""Templates: Python computes, templates place. An undefined name is an error."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codegen.c.literals import comment, float_literal
from edgekit.artefact import Manifest, Region

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
    environment.filters.update(local=local, parameters=parameters, arguments=arguments)
    environment.filters.update(run_parameters=run_parameters, run_arguments=run_arguments)
    return environment


def local(region: str) -> str:
    """The variable of the entry points that holds a region's address."""
    return {"arena": "a", "state": "s"}.get(region, f"in_{region}")


def parameters(regions: Sequence[Region]) -> str:
    """Parameters of the public functions for the regions after the arena."""
    return "".join(f", void *mem_{r.name}" for r in regions)


def arguments(regions: Sequence[Region]) -> str:
    """What a public function passes on of `parameters`."""
    return "".join(f", mem_{r.name}" for r in regions)


def run_parameters(manifest: Manifest) -> str:
    """Parameters of the functions that run a model, between arena and state."""
    return parameters(manifest.regions) + (", const void *weights" if manifest.copied else "")


def run_arguments(manifest: Manifest) -> str:
    """What such a function passes on of `run_parameters`."""
    return arguments(manifest.regions) + (", weights" if manifest.copied else "")


def render(template: str, context: dict[str, Any]) -> str:
    """Text of a template of this package."""
    return _environment().get_template(template).render(context)
