"""Distribution of files over the processes of `make test`: long ones first, so that none starts when the others end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

TOGETHER = ("tests/drills/", "tests/connectors/test_vendure")
"""Path prefixes of files that share an installation or a shop, whose start takes half a minute."""
LONGEST = (
    "tests/e2e/test_main_job_in_browser.py",
    "tests/drills/",
    "tests/controlplane/test_demo.py",
    "tests/controlplane/test_failures.py",
    "tests/controlplane/test_canary.py",
    "tests/e2e/test_tryton_to_vendure.py",
    "tests/controlplane/test_openapi.py",
    "tests/controlplane/test_up.py",
    "tests/connectors/test_vendure",
    "tests/controlplane/test_poison.py",
    "tests/controlplane/web/test_idempotency.py",
    "tests/controlplane/test_single_sign_on.py",
    "tests/governance/pages/test_browser.py",
    "tests/controlplane/test_list_filters.py",
    "tests/controlplane/test_lists.py",
    "tests/controlplane/test_list_exports.py",
    "tests/controlplane/test_pseudo_locale.py",
    "tests/controlplane/test_one_transaction.py",
    "tests/e2e/test_journeys_in_browser.py",
    "tests/controlplane/test_walkthrough.py",
    "tests/controlplane/test_heartbeat.py",
    "tests/controlplane/test_impersonation.py",
    "tests/controlplane/test_scim.py",
)
"""The longest files, in order; marks and numbers of tests do not show their length. See docs/testing.md."""
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
    """The unit that one process runs as a whole: a file, or the files of one of TOGETHER."""
    return next((start for start in TOGETHER if nodeid.startswith(start)), nodeid.partition("::")[0])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort in xdist's processes only; with `--no-loadscope-reorder` the queue has this order."""
    if hasattr(config, "workerinput"):
        sort_by_length(items)


def sort_by_length(items: list[pytest.Item]) -> None:
    """Units of LONGEST first, in that order, then those with a mark of LONG, in that order, then those with the most
    tests. A unit's own order is kept.
    """
    units = [unit_of(item.nodeid) for item in items]
    counts = Counter(units)
    places = {unit: LONGEST.index(unit) if unit in LONGEST else len(LONGEST) for unit in counts}
    ranks = dict.fromkeys(units, len(LONG))
    for unit, item in zip(units, items, strict=True):
        ranks[unit] = min([ranks[unit], *(LONG.index(mark.name) for mark in item.iter_markers() if mark.name in LONG)])
    items.sort(key=lambda item: (places[unit := unit_of(item.nodeid)], ranks[unit], -counts[unit], unit))
