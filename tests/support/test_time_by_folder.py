"""The table of docs/testing.md."""

from tests.support.time_by_folder import table


def test_seconds_are_summed_by_folder_and_the_slowest_comes_first() -> None:
    phases = [
        ("tests/a/test_x.py::test_1", "setup", 2.0),
        ("tests/a/test_x.py::test_1", "call", 1.4),
        ("tests/a/b/test_y.py::Test::test_2[a::b]", "setup", 0.0),
        ("tests/a/b/test_y.py::Test::test_2[a::b]", "call", 9.0),
        ("tests/a/test_z.py::test_3", "setup", 0.0),
        ("tests/a/test_z.py::test_3", "teardown", 1.0),
    ]
    assert table(phases)[2:] == ["| `tests/a/b` | 1 | 9 | 0 |", "| `tests/a` | 2 | 4 | 2 |"]
