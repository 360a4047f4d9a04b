"""Runs the tests, and those few that failed once more, alone and unhurried.

Thousands of tests with processes that are killed share two cores, and a whole run takes the better part of an hour. A
test that fails in it and passes alone is named as flaky at the end of the output, and must be mended; it does not
refuse the change. More than `MOST` failures, or one that also fails alone, fail the run. Arguments are pytest's.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

MOST: Final = 3
FAILED: Final = Path(".pytest_cache/v/cache/lastfailed")
"""Where pytest keeps the ids of the tests that failed, by the folder of its configuration."""


def run_tests(arguments: Sequence[str], root: Path) -> int:
    """The exit code of a run of pytest in `root`; that of the second run, if there is one."""
    kept = root / FAILED
    kept.unlink(missing_ok=True)
    code = _pytest(arguments, root)
    if code != pytest.ExitCode.TESTS_FAILED:
        return code
    failed = sorted(json.loads(kept.read_text())) if kept.exists() else []
    if not 0 < len(failed) <= MOST:
        return code
    print(f"\n{len(failed)} of the tests failed. Running them once more, alone.\n", flush=True)
    code = _pytest(failed, root)
    if code == pytest.ExitCode.OK:
        print("\nFLAKY: failed in the whole run, passed alone. Mend them (docs/testing.md, Flaky tests):")
        print("\n".join(f"  FLAKY {test}" for test in failed), flush=True)
    return code


def _pytest(arguments: Sequence[str], root: Path) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=root, check=False).returncode


if __name__ == "__main__":
    sys.exit(run_tests(sys.argv[1:], Path(__file__).resolve().parents[2]))
