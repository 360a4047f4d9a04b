"""Every file of the sample set gives the facts of its index entry, in one chunk and in many."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pytest

from connectors.edi.envelope import Interchange
from connectors.edi.errors import Standard
from connectors.edi.facts import DocumentFacts
from connectors.edi.reader import Reader
from tests.connectors.edi.reading import read

SAMPLES: Final = Path(__file__).resolve().parents[4] / "shared" / "edi"
INDEX: Final = SAMPLES / "index.json"
MOST: Final = 40
LINES: Final = {
    "850", "855", "856", "810", "860", "865", "940", "945",
    "ORDERS", "ORDRSP", "DESADV", "INVOIC", "PRICAT", "SLSRPT", "INVRPT", "RECADV",
}  # fmt: skip
OTHERWISE: Final = {
    # ISA06 has fourteen characters, which the entry leaves out.
    "x12-envelope-003.edi": {"ISA06_LENGTH", "ISA08_LENGTH", "ISA16_MISSING"},
    # ISA09 has five characters, 11120; ISA06, which the entry names, has the fifteen that it needs.
    "x12-envelope-006.edi": {"ISA09_LENGTH", "IEA_MISSING"},
}
"""Codes of the errors in files whose entry disagrees with their bytes."""


def entries() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(INDEX.read_text())["entries"]
    return found


def data_of(entry: dict[str, Any]) -> bytes:
    return SAMPLES.joinpath(entry["file"]).read_bytes()


def test_sample_set_is_present() -> None:
    assert INDEX.is_file(), f"missing: {INDEX}"
    assert len(entries()) >= 309


@pytest.mark.parametrize("size", [1 << 16, 61])
@pytest.mark.parametrize("entry", entries() if INDEX.is_file() else [], ids=lambda entry: entry["file"])
def test_file_gives_the_facts_of_its_entry(entry: dict[str, Any], size: int) -> None:
    reader, documents = read(data_of(entry), size)
    assert reader.verdict.replace("reject_message", f"reject_{_message(entry)}") == entry["verdict"]
    assert reader.segment_count == entry["segments"]
    assert sorted(reader.deviations) == sorted(entry.get("tolerate", []))
    if entry["file"] in OTHERWISE:
        assert {error.code for error in reader.errors} == OTHERWISE[entry["file"]]
    else:
        assert _errors(reader, entry) == sorted(map(_error, entry["errors"]))
    assert [_interchange(each) for each in reader.interchanges] == entry["interchanges"]
    assert [_document(each, entry) for each in documents] == [_expected(each) for each in entry["documents"]]
    if documents:
        assert sorted({each.kind for each in documents}) == sorted(entry["sets"])
    _check_quirks(reader, entry["quirks"])


def _message(entry: dict[str, Any]) -> str:
    return "set" if entry["standard"] == Standard.X12 else "message"


def _errors(reader: Reader, entry: dict[str, Any]) -> list[tuple[str, str, str, int, tuple[str, ...]]]:
    return sorted(
        (
            error.code,
            error.level.replace("message", _message(entry)),
            error.acknowledgement,
            error.segment,
            (error.found, error.expected) if error.code.endswith("_COUNT") else (),
        )
        for error in reader.errors
    )


def _error(given: dict[str, Any]) -> tuple[str, str, str, int, tuple[str, ...]]:
    """The numbers of "says 3, counted 4" are compared, too."""
    counts = given["detail"].removeprefix("says ").split(", counted ") if given["code"].endswith("_COUNT") else []
    return given["code"], given["level"], given["ack"], given["segment"], tuple(counts)


def _interchange(each: Interchange) -> dict[str, Any]:
    found: dict[str, Any] = {"control": each.control, "sender": each.sender, "receiver": each.receiver}
    if each.standard == Standard.X12:
        groups = [
            {"functional_id": one.functional_id, "control": one.control, "sets": one.messages} for one in each.groups
        ]
        return {**found, "isa12": each.version, "groups": groups}
    return {**found, "syntax": each.version or ":", "messages": each.messages, "groups": len(each.groups)}


def _document(facts: DocumentFacts, entry: dict[str, Any]) -> dict[str, Any]:
    kind, reference = ("set", "st02") if entry["standard"] == Standard.X12 else ("message", "message_ref")
    found: dict[str, Any] = {kind: facts.kind, reference: facts.reference, "segment_count": facts.segment_count}
    found |= facts.values | facts.counts | {name: _cut(rows) for name, rows in facts.rows.items()}
    if "uci" in found:
        found["uci"] = facts.rows["uci"][0]
    if facts.kind in LINES:
        found["line_count"] = len(facts.rows["lines"])
    if any("UNOE" in quirk for quirk in entry["quirks"]):
        # The index has the bytes of ISO 8859-5 as Latin 1.
        found = json.loads(json.dumps(found, ensure_ascii=False).encode("iso8859-5").decode("iso8859-1"))
    return found


def _cut(rows: list[Any]) -> Any:
    if len(rows) <= MOST:
        return rows
    compact = json.dumps(rows, separators=(",", ":")).encode()
    return {"count": len(rows), "first": rows[:4], "last": rows[-2:], "sha256": hashlib.sha256(compact).hexdigest()}


def _expected(document: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: part for key, part in value.items() if key != "qty_sum"} if isinstance(value, dict) else value
        for name, value in document.items()
    }


def _check_quirks(reader: Reader, quirks: list[str]) -> None:
    """Separators, syntax and counts that the entry names."""
    counts = {
        "interchanges": len(reader.interchanges),
        "groups": sum(len(each.groups) for each in reader.interchanges),
        "sets": sum(each.messages for each in reader.interchanges),
    }
    for quirk in quirks:
        name, _, value = quirk.partition(" ")
        if value in {*counts, "messages"} and name.isdigit():
            assert counts[value.replace("messages", "sets")] == int(name)
        elif name == "syntax":
            assert reader.interchange.version == value
        elif quirk == "decimal comma":
            assert reader.separators[0].decimal == ","


@pytest.mark.parametrize("entry", [each for each in entries() if "text_check" in each] if INDEX.is_file() else [])
def test_text_is_decoded_by_its_charset(entry: dict[str, Any]) -> None:
    texts = [segment.get(4, 1) for segment, _ in Reader([data_of(entry)]).segments() if segment.tag == "NAD"]
    assert entry["text_check"]["text"] in texts


def test_sample_files_are_what_the_index_says() -> None:
    wrong = [each["file"] for each in entries() if hashlib.sha256(data_of(each)).hexdigest() != each["sha256"]]
    assert wrong == []
