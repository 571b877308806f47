"""Where the shared data files lie; tests that need them are skipped where they do not."""

from pathlib import Path

import pytest

TABLES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "tabular"
TARGETS = {
    "iris": "species",
    "penguins": "species",
    "titanic": "survived",
    "mpg": "mpg",
    "diamonds": "price",
    "airline-passengers": "Passengers",
    "monthly-sunspots": "Sunspots",
    "pima-indians-diabetes": "-1",
    "housing": "-1",
    "sonar": "-1",
    "ionosphere": "-1",
}


@pytest.fixture
def tables() -> Path:
    if not TABLES.is_dir():
        pytest.skip("the shared data files are not here")
    return TABLES


@pytest.fixture(params=TARGETS)
def data_set(request, tables):
    """(table, name of its target) of each shared data set."""
    from jindan.data import read_table, resolve_column

    table = read_table(tables / f"{request.param}.csv")
    return table, resolve_column(table, TARGETS[request.param])
