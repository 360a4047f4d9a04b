from tests.benchmarks.table import Aim, Row, at_least, at_most, write_table


def test_a_missed_aim_is_marked_and_counted() -> None:
    rows = [
        Row("intake", "2.49", at_least(2.5, 2.49)),
        Row("tail", "0.6", at_most(0.6, 0.6)),
        Row("ceiling", "39,000"),
        Row("recovery", "6.8 s", at_most(10, 6.8, unit=" s")),
    ]
    written = write_table(rows)
    _, _, intake, tail, ceiling, recovery, _, summary = written.splitlines()
    assert intake.split() == ["intake", "2.49", "≥", "2.5", "MISSED"]
    assert tail.split() == ["tail", "0.6", "≤", "0.6", "met"]
    assert ceiling.split() == ["ceiling", "39,000"]
    assert recovery.split() == ["recovery", "6.8", "s", "≤", "10", "s", "met"]
    assert summary.startswith("1 of 3 aims missed.")


def test_long_cells_are_wrapped_whole() -> None:
    figure = "end to end, one change on an idle system, POST until committed as read back: p50 / p99"
    written = write_table([Row(figure, "28.4 / 42.6 ms", Aim("p99 ≤ 50 ms", met=True))])
    assert max(map(len, written.splitlines())) <= 120
    assert " ".join(line[:58].strip() for line in written.splitlines()[2:4]) == figure
