"""Under CI a skipped test fails the run, because a skip would go unnoticed.

The exception is a tool that the package registry does not always have (`OPTIONAL_TOOL`): its skip is only printed.
"""

import os
from typing import Final

import pytest

OPTIONAL_TOOL: Final = "optional tool is not installed: "
"""Beginning of the reason of a permitted skip."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.stats.get("skipped", []):
        terminalreporter.write_line(f"SKIPPED {report.nodeid}: {report.longrepr}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = [] if reporter is None else reporter.stats.get("skipped", [])
    if os.environ.get("CI") and any(OPTIONAL_TOOL not in str(report.longrepr) for report in skipped):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
