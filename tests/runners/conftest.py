"""Removes what the tests in this folder built, also in the workers of pytest-xdist."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runners import support


@pytest.fixture(scope="session", autouse=True)
def _builds() -> Iterator[None]:
    yield
    support.clean()
