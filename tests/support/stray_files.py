"""Under CI, files that tests leave in the repository, such as a command's output by relative name, fail the run.

Other runs do not check, because developers create files meanwhile.
"""

import os
import subprocess
from pathlib import Path

import pytest

BEFORE = pytest.StashKey[set[str]]()


def pytest_sessionstart(session: pytest.Session) -> None:
    if os.environ.get("CI") and not hasattr(session.config, "workerinput"):
        session.config.stash[BEFORE] = changes(session.config.rootpath)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if (before := session.config.stash.get(BEFORE, None)) is None:
        return
    if strays := changes(session.config.rootpath) - before:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(f"STRAY FILES, made by tests in the repository: {', '.join(sorted(strays))}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def changes(root: Path) -> set[str]:
    """New and changed files as listed by git; empty outside a repository."""
    listing = ["git", "status", "--porcelain", "--untracked-files=all"]
    done = subprocess.run(listing, cwd=root, capture_output=True, text=True, check=False)
    return set(done.stdout.splitlines())
