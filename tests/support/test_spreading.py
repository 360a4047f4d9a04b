"""The order of files in `make test`, on a small suite of its own in another pytest."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.spreading import LONGEST, TOGETHER, unit_of

ROOT = Path(__file__).parents[2]
FILES = {
    "test_a_short.py": "def test_1(): pass\n",
    "test_b_many.py": "def test_2(): pass\ndef test_1(): pass\n",
    "test_c_slow.py": "import pytest\n@pytest.mark.slow\ndef test_1(): pass\ndef test_0(): pass\n",
    LONGEST[-1]: "def test_1(): pass\n",
    "test_d_chaos.py": "import pytest\npytestmark = pytest.mark.chaos\ndef test_1(): pass\n",
}


def test_long_files_come_first_and_a_file_keeps_its_order(tmp_path: Path) -> None:
    for name, source in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    environment |= {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [
        sys.executable, "-m", "pytest", "-v", "-p", "xdist", "-p", "tests.support.spreading", "-p", "no:cacheprovider",
        "-n", "1", "--dist", "loadfile", "--no-loadscope-reorder", "--basetemp", str(tmp_path / "temporary"),
        "--rootdir", str(tmp_path), "-c", os.devnull, "-W", "ignore", str(tmp_path),
    ]  # fmt: skip
    result = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert re.findall(r"PASSED (?:[\w/]+/)?(\w+)\.py::(\w+)", result) == [
        (LONGEST[-1].rpartition("/")[2].removesuffix(".py"), "test_1"),
        ("test_d_chaos", "test_1"),
        ("test_c_slow", "test_1"),
        ("test_c_slow", "test_0"),
        ("test_b_many", "test_2"),
        ("test_b_many", "test_1"),
        ("test_a_short", "test_1"),
    ]


def test_drills_and_the_shops_tests_are_one_unit_each_and_each_other_file_is_one() -> None:
    assert unit_of("tests/drills/test_workers.py::test_a") == unit_of("tests/drills/test_chaos.py::test_b")
    assert unit_of("tests/connectors/test_vendure.py::test_a") == unit_of("tests/connectors/test_vendure_x.py::test_b")
    assert unit_of("tests/e2e/test_x.py::TestA::test_b[c::d]") == "tests/e2e/test_x.py"


def test_the_units_that_are_named_exist() -> None:
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")]
    assert {*LONGEST, *TOGETHER} - {unit_of(f"{file}::test_a") for file in files} == set()
    assert len(set(LONGEST)) == len(LONGEST)
