"""`fairlead edi`: interchanges of X12 and EDIFACT."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from connectors.edi.acknowledge import acknowledge
from connectors.edi.envelope import Interchange
from connectors.edi.errors import EdiError
from connectors.edi.facts import DocumentFacts, read_facts
from connectors.edi.reader import Reader
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, print_result
from foundation.rooms import CliCommand

_CHUNK: Final = 1 << 16


@click.group(cls=NounGroup)
def edi() -> None:
    """Interchanges of X12 and EDIFACT."""


@edi.command("read")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def read_file(*, file: Path) -> None:
    """Read a file of X12 or EDIFACT: its interchanges, the facts of its documents, and each error with its place.

    Nothing is stored, and no database is needed.
    """
    with file.open("rb") as opened:
        reader = Reader(iter(lambda: opened.read(_CHUNK), b""))
        documents = list(read_facts(reader))
    print_result(CommandResult("\n".join(_lines(reader, documents)), _data(reader, documents)))


@edi.command("acknowledge")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--control", type=click.IntRange(1, 999_999_999), required=True, help="Control number of the first one.")
def acknowledge_file(*, file: Path, control: int) -> None:
    """Print the acknowledgement of a file: 997 or TA1 for X12, CONTRL for EDIFACT, with the errors that were found.

    Nothing is stored or sent. Files of acknowledgements have none.
    """
    with file.open("rb") as opened:
        reader = Reader(iter(lambda: opened.read(_CHUNK), b""))
        made = [each.decode() for each in acknowledge(reader, first_control=control, now=utc_now())]
    print_result(CommandResult("\n".join(made), made))


def _lines(reader: Reader, documents: list[DocumentFacts]) -> Iterator[str]:
    count = reader.segment_count
    yield f"{reader.verdict}: {'not readable' if count is None else f'{count} segments'}"
    if reader.deviations:
        yield f"tolerated: {', '.join(reader.deviations)}"
    yield from (_interchange(each) for each in reader.interchanges)
    for each in documents:
        yield f"  {each.kind} {each.reference} ({each.segment_count} segments)"
        yield from (f"    {name}: {value}" for name, value in each.values.items())
        yield from (f"    {name}: {value}" for name, value in each.counts.items())
        yield from (f"    {name}: {len(rows)} rows" for name, rows in each.rows.items())
    yield from (_error(each) for each in reader.errors)


def _interchange(each: Interchange) -> str:
    return f"{each.standard} {each.control or '?'} from {each.sender or '?'} to {each.receiver or '?'}"


def _error(each: EdiError) -> str:
    place = f"segment {each.segment}" + (f", element {each.element}" if each.element else "")
    values = f" (expected {each.expected}, found {each.found})" if each.expected or each.found else ""
    kept = ", tolerated" if each.tolerated else ""
    return f"{each.code} at {place}{values}: {each.level}, {each.acknowledgement}{kept}"


def _data(reader: Reader, documents: list[DocumentFacts]) -> dict[str, Any]:
    return {
        "verdict": reader.verdict.value,
        "segments": reader.segment_count,
        "tolerated": reader.deviations,
        "errors": [msgspec.to_builtins(each) for each in reader.errors],
        "interchanges": [msgspec.to_builtins(each) for each in reader.interchanges],
        "documents": [msgspec.to_builtins(each) for each in documents],
    }


EDI_COMMANDS: Final = (CliCommand(command=edi),)
