"""Measured figures without a pass criterion: prints `record_property("figure", text)` at the end of the run."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures = [
        (report.nodeid, str(value))
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == "figure"
    ]
    if figures:
        terminalreporter.section("figures")
    for nodeid, text in figures:
        terminalreporter.write_line(f"{nodeid.rpartition('::')[2]}:")
        for line in text.splitlines():
            terminalreporter.write_line(f"  {line}")
