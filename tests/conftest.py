"""Fixtures and options that every test can use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import support
from tests.conversions import Conversions

GOLDEN = Path(__file__).parent / "golden"
MARKERS = ("proof: whole models or the whole program; leave these out with -m 'not proof'",)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the files in tests/golden anew instead of comparing with them",
    )


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    proofs = Path(__file__).parent / "proofs"
    for item in items:
        if item.path.is_relative_to(proofs):
            item.add_marker(pytest.mark.proof)


@pytest.fixture
def material() -> Path:
    """The folder with models and data made by others; skips the test where it is absent."""
    return support.material()


@pytest.fixture(scope="session")
def conversions(tmp_path_factory: pytest.TempPathFactory) -> Conversions:
    """Conversions, each made once per session, also with several pytest-xdist workers."""
    base = tmp_path_factory.getbasetemp()
    # A worker's own folder lies inside the one that all workers of a session share.
    shared = base.parent if base.name.startswith("popen-") else base
    return Conversions(shared / "conversions")


@pytest.fixture
def golden(pytestconfig: pytest.Config) -> Callable[[str, str], None]:
    """Compare text with the file of that name in tests/golden (or write it)."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if pytestconfig.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} is missing; make it with: pytest --update-golden"
        assert text == path.read_text(encoding="utf-8"), f"{name}: see pytest --update-golden"

    return check
