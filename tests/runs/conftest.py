"""Two small tables and their runs, trained once."""

import numpy as np
import polars as pl
import pytest

from jindan.runs.tables import train_table


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A folder with flowers.csv (three classes, a category, empty cells) and houses.csv (a number)."""
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    kind = np.arange(90) % 3
    size = rng.normal(kind, 0.4).round(3)
    empty = [None if n % 11 == 0 else value for n, value in enumerate(rng.normal(kind * 2.0, 1.0).round(3).tolist())]
    colour = np.array(["red", "blue", "white"])[(kind + (rng.random(90) < 0.3)) % 3]
    label = np.array(["setosa", "장미", "virginica"])[kind]
    pl.DataFrame({"size": size, "width": empty, "colour": colour, "kind": label}).write_csv(folder / "flowers.csv")
    x = rng.normal(size=(80, 2)).round(3)
    price = (1000 + 300 * x[:, 0] - 100 * x[:, 1] + rng.normal(0, 20, 80)).round(2)
    pl.DataFrame({"area": x[:, 0], "age": x[:, 1], "price": price}).write_csv(folder / "houses.csv")
    return folder


@pytest.fixture(scope="session")
def flowers(place):
    """A run on classes."""
    return train_table(place / "flowers.csv", "kind", epochs=40, seed=3, out=place / "flowers-run")


@pytest.fixture(scope="session")
def houses(place):
    """A run on a number."""
    return train_table(place / "houses.csv", "price", epochs=60, out=place / "houses-run")
