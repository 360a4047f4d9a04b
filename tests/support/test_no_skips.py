"""The guard against skips, on a small suite of its own in another pytest."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.no_skips import OPTIONAL_TOOL

ROOT = Path(__file__).parents[2]
SKIPS = "import pytest\ndef test_a(): pass\n@pytest.mark.skip(reason='no shop here')\ndef test_b(): pass\n"
SKIPS_A_FILE = "import pytest\npytest.skip('no shop here', allow_module_level=True)\n"
PASSES = "def test_a(): pass\n"


def run(folder: Path, source: str, *options: str, ci: bool) -> subprocess.CompletedProcess[str]:
    (folder / "test_small.py").write_text(source)
    (folder / "test_other.py").write_text(PASSES)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "CI"))}
    environment |= {"PYTHONPATH": str(ROOT)} | ({"CI": "true"} if ci else {})
    # Of the installed plugins only xdist's matters here; importing the others takes longer than the suite.
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-p", "tests.support.no_skips", "-p", "no:cacheprovider"]
    # A folder of its own: pytest makes the common one private, while a concurrent run may start servers below it.
    command += ["--basetemp", str(folder / "temporary")]
    command += ["--rootdir", str(folder), "-c", os.devnull, str(folder), *options]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "two workers"])
class TestNoSkips:
    @pytest.mark.parametrize("source", [SKIPS, SKIPS_A_FILE], ids=["a test", "a file"])
    def test_a_skip_fails_the_run_under_ci_and_is_named(
        self, tmp_path: Path, source: str, options: tuple[str, ...]
    ) -> None:
        result = run(tmp_path, source, *options, ci=True)
        assert result.returncode == pytest.ExitCode.TESTS_FAILED
        assert "SKIPPED" in result.stdout
        assert "no shop here" in result.stdout

    def test_a_tool_that_registries_do_not_always_have_may_be_missing_and_is_named(
        self, tmp_path: Path, options: tuple[str, ...]
    ) -> None:
        result = run(tmp_path, SKIPS.replace("no shop here", f"{OPTIONAL_TOOL}a shop"), *options, ci=True)
        assert (result.returncode, "a shop" in result.stdout) == (pytest.ExitCode.OK, True)

    def test_a_run_by_hand_may_skip(self, tmp_path: Path, options: tuple[str, ...]) -> None:
        assert run(tmp_path, SKIPS, *options, ci=False).returncode == pytest.ExitCode.OK

    def test_a_run_without_skips_passes(self, tmp_path: Path, options: tuple[str, ...]) -> None:
        assert run(tmp_path, PASSES, *options, ci=True).returncode == pytest.ExitCode.OK
