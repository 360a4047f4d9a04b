"""Acknowledgements of received files: what the partner reads in them is what was found."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from connectors.edi.acknowledge import acknowledge
from connectors.edi.facts import DocumentFacts
from connectors.edi.reader import Reader, Verdict
from connectors.edi.segments import EDIFACT_DEFAULT, Separators
from connectors.edi.writer import NotWritable, write_segments
from controlplane.cli.main import main
from tests.connectors.edi.reading import chunks, read
from tests.connectors.edi.test_reader import END, LINE, ORDER, UNB
from tests.connectors.edi.test_samples import INDEX, data_of, entries

NOW: Final = datetime(2026, 12, 1, 2, 20, tzinfo=UTC)
X12: Final = Separators("*", ">", b"~")
MESSAGE: Final = b"UNT+3+1'UNZ+1+77'"


def answers(data: bytes) -> list[tuple[bytes, Reader, list[DocumentFacts]]]:
    """The acknowledgements, each read again."""
    made = list(acknowledge(Reader(chunks(data)), first_control=41, now=NOW))
    return [(each, *read(each)) for each in made]


def test_set_with_a_wrong_count_is_refused_with_its_code() -> None:
    second = b"ST*850*0002~BEG*00*SA*4712**20261201~SE*3*0002~"
    [(_, reader, [facts])] = answers(ORDER + LINE + b"SE*9*0001~" + second + b"GE*2*7~IEA*1*000000007~")
    assert reader.verdict == Verdict.ACCEPT
    assert (reader.interchange.control, reader.interchange.sender, reader.interchange.receiver) == (
        "000000041", "BERT", "ANNA",
    )  # fmt: skip
    assert facts.values == {
        "acked_group": "PO", "acked_gs06": "7", "group_code": "P", "included": "2", "received": "2", "accepted": "1",
    }  # fmt: skip
    assert facts.rows == {"sets": [["850", "0001"], ["850", "0002"]], "set_codes": ["R", "A"]}
    assert b"AK5*R*4~" in answers(ORDER + LINE + b"SE*9*0001~GE*1*7~IEA*1*000000007~")[0][0]


def test_group_with_a_wrong_trailer_is_refused_whole() -> None:
    [(made, _, [facts])] = answers(ORDER + LINE + b"SE*4*0001~GE*3*8~IEA*1*000000007~")
    assert (facts.values["group_code"], facts.values["included"], facts.values["accepted"]) == ("R", "3", "0")
    assert b"AK9*R*3*1*0*5*4~" in made


def test_interchange_with_a_wrong_trailer_gets_a_ta1_only() -> None:
    [(made, reader, documents)] = answers(ORDER + LINE + END.replace(b"IEA*1*000000007", b"IEA*1*000000008"))
    assert b"TA1*000000007*261201*0100*R*001~" in made
    assert (reader.verdict, documents) == (Verdict.ACCEPT, [])


def test_message_and_interchange_of_edifact_are_answered_by_contrl() -> None:
    [(made, reader, [facts])] = answers(UNB + MESSAGE)
    assert reader.verdict == Verdict.ACCEPT
    assert facts.rows == {"uci": [["77", "7", ""]], "ucm": [["1", "ORDERS", "7", ""]]}
    assert b"UCI+77+ANNA:14+BERT:14+7'" in made
    [(_, _, [facts])] = answers(UNB + b"UNT+9+1'UNZ+1+77'")
    assert facts.rows == {"uci": [["77", "7", ""]], "ucm": [["1", "ORDERS", "4", "29"]]}
    [(_, _, [facts])] = answers(UNB + b"UNT+3+1'UNZ+1+78'")
    assert facts.rows == {"uci": [["77", "4", "28"]], "ucm": []}


def test_acknowledgements_are_not_acknowledged() -> None:
    for data in (ORDER + LINE + END, UNB + MESSAGE):
        [(made, _, _)] = answers(data)
        assert answers(made) == []


@pytest.mark.parametrize("entry", entries() if INDEX.is_file() else [], ids=lambda entry: entry["file"])
def test_answer_to_every_sample_is_a_correct_interchange(entry: dict[str, object]) -> None:
    data = data_of(entry)
    received, _ = read(data)
    # Qualifiers and ids of the wrong length are repeated as the partner sent them.
    allowed = {"ISA_LENGTH"} & {*received.deviations}
    for number, (_, reader, documents) in enumerate(answers(data), start=41):
        assert reader.verdict in {Verdict.ACCEPT, Verdict.ACCEPT_TOLERANT}
        assert {*reader.deviations} <= allowed
        assert int(reader.interchange.control or 0) == number
        assert {each.kind for each in documents} <= {"997", "CONTRL"}
    if received.verdict in {Verdict.ACCEPT, Verdict.ACCEPT_TOLERANT}:
        assert not any(code != "A" for _, _, found in answers(data) for each in found for code in _verdicts(each))


def _verdicts(facts: DocumentFacts) -> list[object]:
    actions = [row[1] for row in facts.rows.get("uci", []) if isinstance(row, list)]
    return [*facts.rows.get("set_codes", []), *("A" if action == "7" else action for action in actions)]


TEXTS: Final = st.text(st.characters(categories=["L", "N", "P", "S"]) | st.sampled_from(" ?:+'*~>"), max_size=20)


@given(st.lists(st.lists(TEXTS, min_size=1, max_size=4), max_size=6))
def test_written_texts_are_read_again(elements: list[list[str]]) -> None:
    written = write_segments([("FTX", *elements)], EDIFACT_DEFAULT, "utf-8")
    head = b"UNB+UNOW:4+A+B+20261201:0100+1'UNH+1+ORDERS:D:96A:UN'"
    reader = Reader(chunks(head + written + b"UNT+3+1'UNZ+1+1'", 7))
    [found] = [segment for segment, _ in reader.segments() if segment.tag == "FTX"]
    assert reader.verdict == Verdict.ACCEPT
    for place, components in enumerate(elements, start=1):
        assert [found.get(place, at) for at in range(1, len(components) + 1)] == components


@given(st.lists(TEXTS, max_size=6))
def test_x12_refuses_separators_in_texts_and_keeps_all_others(texts: list[str]) -> None:
    if any(mark in text for text in texts for mark in "*>~"):
        with pytest.raises(NotWritable):
            write_segments([("MSG", *texts)], X12, "utf-8")
        return
    written = write_segments([("MSG", *texts)], X12, "utf-8")
    [found] = [segment for segment, _ in Reader([ORDER + written]).segments() if segment.tag == "MSG"]
    assert [found.get(place) for place in range(1, len(texts) + 1)] == texts


def test_command_prints_the_acknowledgement(tmp_path: Path) -> None:
    file = tmp_path / "order.edi"
    file.write_bytes(ORDER + LINE + END)
    shown = CliRunner().invoke(main, ["edi", "acknowledge", str(file), "--control", "41"])
    assert shown.exit_code == 0, shown.output
    assert "AK1*PO*7~" in shown.output
    assert "AK9*A*1*1*1~" in shown.output
