"""Distribution of files over the processes of `make test`: long ones first, so that none starts when the others end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

TOGETHER = ("tests/drills",)
"""Folders whose files share an installation that takes half a minute to start."""
LONG = ("chaos", "slow", "real")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadFileScheduling

    if config.getvalue("dist") != "loadfile":
        return None
    scheduling = LoadFileScheduling(config, log)
    scheduling._split_scope = unit_of  # xdist's documented extension point for custom units
    return scheduling


def unit_of(nodeid: str) -> str:
    """The unit that one process runs as a whole: a file, or a folder of TOGETHER."""
    return next((folder for folder in TOGETHER if nodeid.startswith(f"{folder}/")), nodeid.partition("::")[0])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Only in a process of xdist; with `--no-loadscope-reorder` its order is that of the queue."""
    if hasattr(config, "workerinput"):
        sort_by_length(items)


def sort_by_length(items: list[pytest.Item]) -> None:
    """Units with a mark of LONG first, in that order, then those with the most tests. A unit's own order is kept."""
    units = [unit_of(item.nodeid) for item in items]
    counts = Counter(units)
    ranks = dict.fromkeys(units, len(LONG))
    for unit, item in zip(units, items, strict=True):
        ranks[unit] = min([ranks[unit], *(LONG.index(mark.name) for mark in item.iter_markers() if mark.name in LONG)])
    items.sort(key=lambda item: (ranks[unit := unit_of(item.nodeid)], -counts[unit], unit))
