"""The guard against files that tests leave behind, on a small suite in a repository of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("ci", "ending"), [(True, pytest.ExitCode.TESTS_FAILED), (False, pytest.ExitCode.OK)])
def test_a_file_left_in_the_repository_fails_the_run_under_ci(tmp_path: Path, ci: bool, ending: int) -> None:  # noqa: FBT001
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "test_small.py").write_text("def test_a(): open(b'\\xff', 'w').close()\n")
    (tmp_path / ".gitignore").write_text("__pycache__\n")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "CI", "GIT"))}
    environment |= {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | ({"CI": "true"} if ci else {})
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.stray_files", "-p", "no:cacheprovider"]
    command += ["--rootdir", str(tmp_path), "-c", os.devnull, str(tmp_path)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == ending, done.stdout
    assert ('STRAY FILES, made by tests in the repository: ?? "\\377"' in done.stdout) is ci
