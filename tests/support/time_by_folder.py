"""`--time-by-folder` prints the seconds of a run by folder, as the table of docs/testing.md."""

from collections import defaultdict
from pathlib import PurePath

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--time-by-folder", action="store_true", help="Print the seconds and tests of each folder.")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not terminalreporter.config.getoption("--time-by-folder"):
        return
    reports = [
        report for group in terminalreporter.stats.values() for report in group if isinstance(report, pytest.TestReport)
    ]
    terminalreporter.section("time by folder")
    for line in table([(report.nodeid, report.when or "", report.duration) for report in reports]):
        terminalreporter.write_line(line)


def table(phases: list[tuple[str, str, float]]) -> list[str]:
    """`phases` are (node id, set-up or call or tear-down, seconds). The slowest folder first."""
    total: dict[str, float] = defaultdict(float)
    set_up: dict[str, float] = defaultdict(float)
    tests: dict[str, int] = defaultdict(int)
    for nodeid, when, seconds in phases:
        folder = str(PurePath(nodeid.partition("::")[0]).parent)
        total[folder] += seconds
        set_up[folder] += seconds if when == "setup" else 0.0
        tests[folder] += when == "setup"
    rows = [
        f"| `{folder}` | {tests[folder]} | {seconds:.0f} | {set_up[folder]:.0f} |"
        for folder, seconds in sorted(total.items(), key=lambda item: -item[1])
    ]
    return ["| folder | tests | seconds | of these set-up |", "|---|---|---|---|", *rows]
