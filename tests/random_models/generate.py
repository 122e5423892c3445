"""Random valid ONNX models of 1 to 30 operators."""

from __future__ import annotations

import random
from typing import Any

from tests.random_models.maker import Maker
from tests.random_models.operators import INTEGER, REAL

MOST = 30


def make(number: int, master: int, integer: bool) -> Any:
    """Model ``number`` of the series ``master``: the same in every run.

    Args:
        number, master: which one.
        integer: only operators that have an integer form.
    """
    rng = random.Random(f"{master}/{number}/{integer}")
    maker = Maker(rng)
    for _ in range(rng.choice((1, 1, 1, 2))):
        maker.add_input((1, rng.randint(1, 4), rng.randint(1, 6), rng.randint(1, 6)))
    if rng.random() < 0.3:
        maker.add_input((1, rng.randint(1, 12)))
    goal = rng.randint(1, MOST)
    templates = INTEGER if integer else REAL
    while len(maker.nodes) < goal:
        rng.choice(templates)(maker)
    return maker.model()
