"""Dates as people write them: years of two digits, times of twelve hours, Korean ones; and what only looks like one."""

import datetime

import polars as pl
import pytest

from jindan.data import infer_columns, infer_task
from jindan.data.dates import date_format, parse_dates

DAYS = [datetime.datetime(2021, 1, 5, 9, 30) + datetime.timedelta(days=9 * i, hours=5 * i) for i in range(40)]


@pytest.mark.parametrize(
    "form",
    ["%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%y-%m-%d", "%y.%m.%d", "%y/%m/%d", "%d-%m-%y", "%d-%b-%y", "%d.%m.%Y",
     "%m/%d/%Y %I:%M %p", "%Y-%m-%d %I:%M:%S %p"],
)  # fmt: skip
def test_formats_are_told_apart(form):
    written = pl.Series("when", [day.strftime(form) for day in DAYS])
    (column,) = infer_columns(written.to_frame())
    assert (column.kind, column.format) == ("date", form)
    expected = [datetime.datetime.strptime(text, form) for text in written]
    assert parse_dates(written, form).to_list() == expected


@pytest.mark.parametrize(
    ("cell", "iso"),
    [
        ("2021-01-05 오후 3:20", "2021-01-05T15:20:00"),
        ("2021-01-05 오전 12:05:30", "2021-01-05T00:05:30"),
        ("2021. 1. 5", "2021-01-05T00:00:00"),
        ("2021. 1. 5.", "2021-01-05T00:00:00"),
        ("2021. 1. 5 오후 3:20:15", "2021-01-05T15:20:15"),
        ("2021/01/05 3:20:15 오후 GMT+9", "2021-01-05T15:20:15"),
        ("31/12/99", "1999-12-31T00:00:00"),
        ("5-Jan-21", "2021-01-05T00:00:00"),
    ],
)
def test_one_cell(cell, iso):
    series = pl.Series([cell])
    assert parse_dates(series, date_format(series))[0].isoformat() == iso


@pytest.mark.parametrize(
    "cells",
    [
        ["1-3", "4-6", "7-9", "10-12"],  # ranges
        ["10-19", "20-29", "30-39"],
        ["01.01.19", "01.02.20", "01.03.21"],  # the first of January 2019, or the 19th of January 2001
        ["05/04/21", "06/04/21"],
        ["1.2.3", "1.10.2"],  # versions
        ["0.12.99"],
    ],
)
def test_what_may_be_something_else_is_no_date(cells):
    assert date_format(pl.Series(cells)) is None


def test_ranges_are_classes():
    sizes = ["1-3", "4-6", "7-9", "10-12"] * 9
    assert infer_task(sizes).kind == "multiclass"
    assert infer_columns(pl.DataFrame({"size": sizes, "n": range(36)}), target="n")[0].kind == "categorical"


def test_a_year_of_two_digits_does_not_pass_for_one_of_four():
    assert parse_dates(pl.Series(["2020-01-31", "20-01-31"]), "%Y-%m-%d").null_count() == 1
    assert parse_dates(pl.Series(["31.01.20", "31.01.2020"]), "%d.%m.%y").null_count() == 1
