"""The reader beyond the sample set: memory, hostile bytes, release characters, and the command."""

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from connectors.edi.errors import EdiError
from connectors.edi.reader import Reader, Verdict
from connectors.edi.segments import split_released, unescape
from controlplane.cli.main import main
from tests.connectors.edi.reading import read

ISA: Final = (
    b"ISA*00*          *00*          *ZZ*ANNA           *ZZ*BERT           *261201*0100*U*00401*000000007*0*P*>~"
)
LINE: Final = b"PO1*1*12*EA*9.50**VP*A-100~"
ORDER: Final = ISA + b"GS*PO*ANNA*BERT*20261201*0100*7*X*004010~ST*850*0001~BEG*00*SA*4711**20261201~"
END: Final = b"SE*4*0001~GE*1*7~IEA*1*000000007~"
UNB: Final = b"UNB+UNOC:3+ANNA:14+BERT:14+261201:0100+77'UNH+1+ORDERS:D:96A:UN'BGM+220+4711+9'"


def test_fifty_megabytes_are_read_in_bounded_memory() -> None:
    lines = 5_000
    piece = (b"PID*F****" + b"x" * 190 + b"~") * lines
    count = 52_000_000 // len(piece)

    def file() -> Iterator[bytes]:
        yield ORDER
        for _ in range(count):
            for start in range(0, len(piece), 1 << 16):
                yield piece[start : start + (1 << 16)]
        yield f"SE*{count * lines + 3}*0001~GE*1*7~IEA*1*000000007~".encode()

    tracemalloc.start()
    try:
        reader = Reader(file())
        number = sum(1 for _ in reader.segments())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert number == reader.segment_count == count * lines + 7
    assert reader.verdict == Verdict.ACCEPT
    assert peak < 8_000_000


def test_segment_without_an_end_is_refused_and_not_collected() -> None:
    pulled = 0

    def file() -> Iterator[bytes]:
        nonlocal pulled
        yield ORDER
        while True:
            pulled += 1
            yield b"x" * (1 << 16)

    reader = Reader(file())
    assert len(list(reader.segments())) == 4
    assert [error.code for error in reader.errors] == ["SEGMENT_TOO_LONG"]
    assert pulled < 40


def test_errors_name_segment_element_and_numbers() -> None:
    reader, _ = read(ORDER + LINE + b"SE*9*0002~GE*1*7~IEA*1*000000008~")
    assert [(each.code, each.segment, each.element, each.expected, each.found) for each in reader.errors] == [
        ("SE01_COUNT", 6, 1, "4", "9"),
        ("SE02_CONTROL", 6, 2, "0001", "0002"),
        ("IEA02_CONTROL", 8, 2, "000000007", "000000008"),
    ]


def test_missing_trailers_are_refused_at_each_level_that_lacks_one() -> None:
    for rest, verdict, codes in (
        (b"GE*1*7~IEA*1*000000007~", Verdict.REJECT_MESSAGE, ["SE_MISSING"]),
        (b"SE*4*0001~IEA*1*000000007~", Verdict.REJECT_GROUP, ["GE_MISSING"]),
        (b"SE*4*0001~GE*1*7~", Verdict.REJECT_INTERCHANGE, ["IEA_MISSING"]),
    ):
        reader, _ = read(ORDER + LINE + rest)
        assert (reader.verdict, [each.code for each in reader.errors]) == (verdict, codes)


def test_interchange_that_starts_inside_another_ends_it() -> None:
    reader, documents = read(ORDER + LINE + ORDER + LINE + END)
    codes = [(each.code, each.segment) for each in reader.errors]
    assert codes == [("SE_MISSING", 6), ("GE_MISSING", 6), ("IEA_MISSING", 6)]
    assert [each.reference for each in documents] == ["0001", "0001"]


def test_released_terminator_at_the_end_of_a_chunk_stays_in_its_text() -> None:
    data = UNB + b"FTX+AAI+++it?'s ?+1 ?? '" + b"UNT+4+1'UNZ+1+77'"
    for size in range(1, len(data)):
        reader = Reader(data[start : start + size] for start in range(0, len(data), size))
        texts = [segment.get(4, 1) for segment, _ in reader.segments() if segment.tag == "FTX"]
        assert texts == ["it's +1 ? "]
        assert reader.verdict == Verdict.ACCEPT


@pytest.mark.parametrize("data", [b"", b"   \r\n", b"hello", b"ISA", b"UNA", b"UNB", b"UNA:+.? 'hello", b"\x00\x1a"])
def test_other_bytes_are_refused(data: bytes) -> None:
    reader, documents = read(data)
    assert reader.verdict == Verdict.REJECT_INTERCHANGE
    assert reader.segment_count is None
    assert documents == []


@given(st.text("a?':+*", max_size=12), st.sampled_from(":+'"))
def test_released_text_is_one_part(text: str, separator: str) -> None:
    sent = "".join(f"?{each}" if each in "?':+" else each for each in text)
    assert [unescape(part, "?") for part in split_released(f"{sent}{separator}x", separator, "?")] == [text, "x"]


@given(st.binary(max_size=300), st.sampled_from([b"", ORDER, UNB, b"UNA:+.? '", ISA]), st.integers(1, 64))
def test_any_bytes_are_read_alike_in_any_chunks(data: bytes, head: bytes, size: int) -> None:
    def result(size: int) -> tuple[list[EdiError], int | None, list[str]]:
        reader, _ = read(head + data, size)
        return reader.errors, reader.segment_count, reader.deviations

    assert result(size) == result(1 << 16)


def test_command_prints_facts_and_errors(tmp_path: Path) -> None:
    file = tmp_path / "order.edi"
    file.write_bytes(ORDER + LINE + b"SE*9*0001~GE*1*7~IEA*1*000000007~")
    shown = CliRunner().invoke(main, ["edi", "read", str(file)])
    assert shown.exit_code == 0
    assert "po_number: 4711" in shown.output
    assert "SE01_COUNT at segment 6, element 1 (expected 4, found 9)" in shown.output
    found = json.loads(CliRunner().invoke(main, ["edi", "read", "--json", str(file)]).output)
    assert found["verdict"] == "reject_message"
    assert found["documents"][0]["rows"]["lines"] == [{"line": "1", "qty": "12", "uom": "EA", "price": "9.50"}]
