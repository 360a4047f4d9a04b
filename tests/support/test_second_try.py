"""The second try of failed tests: flaky ones are named and pass, others fail the run."""

from pathlib import Path

import pytest

from tests.support.second_try import MOST, run_tests

FLAKY = """
from pathlib import Path

def test_flaky():
    seen = Path(__file__).with_name("seen")
    first = not seen.exists()
    seen.touch()
    assert not first
"""
OTHERS = "import pytest\n\n@pytest.mark.parametrize('n', range({failures}))\ndef test_other(n):\n    assert {holds}\n"


def run(folder: Path, *, flaky: bool = False, failures: int = 0, code: str = "") -> int:
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -q\n")
    (folder / "test_passing.py").write_text("def test_passing():\n    pass\n")
    if flaky:
        (folder / "test_flaky.py").write_text(FLAKY)
    if failures:
        (folder / "test_other.py").write_text(OTHERS.format(failures=failures, holds=False))
    if code:
        (folder / "test_code.py").write_text(code)
    return run_tests([], folder)


def test_a_run_without_failures_has_no_second_try(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == pytest.ExitCode.OK
    assert "once more" not in capfd.readouterr().out


def test_a_test_that_passes_alone_is_named_as_flaky(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, flaky=True) == pytest.ExitCode.OK
    assert "FLAKY test_flaky.py::test_flaky" in capfd.readouterr().out


def test_a_test_that_fails_twice_fails_the_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, flaky=True, failures=1) == pytest.ExitCode.TESTS_FAILED
    assert "FLAKY" not in capfd.readouterr().out


def test_many_failures_get_no_second_try(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, failures=MOST + 1) == pytest.ExitCode.TESTS_FAILED
    assert "once more" not in capfd.readouterr().out


def test_an_error_at_collection_fails_the_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, code="raise RuntimeError\n") not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
    assert "once more" not in capfd.readouterr().out
