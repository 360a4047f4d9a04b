"""Benchmark results: rows of figures with their targets, as a table of at most 120 columns."""

import textwrap
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

WIDTHS = (58, 38, 12, 6)


class Aim(NamedTuple):
    words: str
    met: bool | None


NO_AIM = Aim("", None)


class Row(NamedTuple):
    figure: str
    measured: str
    aim: Aim = NO_AIM

    @property
    def result(self) -> str:
        return {None: "", True: "met", False: "MISSED"}[self.aim.met]


def at_least(bound: float, value: float) -> Aim:
    return Aim(f"≥ {bound:,}", value >= bound)


def at_most(bound: float, value: float, *, unit: str = "") -> Aim:
    return Aim(f"≤ {bound:,}{unit}", value <= bound)


def write_table(rows: Sequence[Row]) -> str:
    heads = ("figure", "measured", "aim", "")
    lines = _lines(heads) + _lines(tuple("─" * width for width in WIDTHS))
    for row in rows:
        lines += _lines((row.figure, row.measured, row.aim.words, row.result))
    return "\n".join([*lines, "", _summary(rows)])


def _lines(cells: Sequence[str]) -> list[str]:
    wrapped = [textwrap.wrap(cell, width) for cell, width in zip(cells, WIDTHS, strict=True)]
    return [
        "  ".join(part.ljust(width) for part, width in zip(parts, WIDTHS, strict=True)).rstrip()
        for parts in zip_longest(*wrapped, fillvalue="")
    ]


def _summary(rows: Sequence[Row]) -> str:
    aimed = [row for row in rows if row.aim.met is not None]
    missed = sum(not row.aim.met for row in aimed)
    return (
        f"{missed} of {len(aimed)} aims missed. A ÷ B is a ratio; its two sides, measured in this run, are in brackets."
    )
