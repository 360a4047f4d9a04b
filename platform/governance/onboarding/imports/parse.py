"""Reading of a CSV file of clients: pure, with the error of each row."""

import csv
import io
from collections.abc import Sequence
from typing import Final

import msgspec

from foundation.errors import DomainError, InvalidInput
from foundation.marks import N_
from foundation.text import is_storable
from governance.onboarding.create_client import check_client
from tenants.client_input import ClientInput
from tenants.states import Environment

MOST_ROWS: Final = 500
LONGEST_FIELD: Final = 500
REQUIRED: Final = ("name", "slug", "currency")
OPTIONAL: Final = ("language", "time_zone", "region", "environment", "template")
_SEPARATORS: Final = ",;\t"


class ParsedClient(msgspec.Struct, frozen=True):
    """A row of the file: its line, its short name as typed, and either the client or the error. `template`: the name of
    the template that the client follows.
    """

    line: int
    slug: str
    name: str
    client: ClientInput | None = None
    error: DomainError | None = None
    template: str = ""


def parse_clients(text: str) -> Sequence[ParsedClient]:
    """The clients of a file whose first line names the columns.

    Raises:
        InvalidInput: the text is not such a file, or has too many rows.
    """
    text = text.removeprefix("\ufeff")
    if not is_storable(text):
        raise InvalidInput(N_("The file contains characters that cannot be stored, such as NUL."), field="csv")
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=_separator(text), strict=True))
    except csv.Error as wrong:
        raise InvalidInput(N_("The file is not CSV: {error}."), params={"error": str(wrong)}, field="csv") from wrong
    if not rows or not any(cell.strip() for cell in rows[0]):
        raise InvalidInput(N_("The file is empty. Its first line names the columns."), field="csv")
    columns = _columns(rows[0])
    filled = [(line, row) for line, row in enumerate(rows[1:], start=2) if any(cell.strip() for cell in row)]
    if len(filled) > MOST_ROWS:
        raise InvalidInput(
            N_("The file has {number} rows; at most {most} are created at once. Divide it."),
            params={"number": len(filled), "most": MOST_ROWS},
            field="csv",
        )
    first: dict[str, int] = {}
    return [_parse(line, columns, row, first) for line, row in filled]


def _separator(text: str) -> str:
    head = text.partition("\n")[0]
    return max(_SEPARATORS, key=head.count)


def _columns(head: Sequence[str]) -> list[str]:
    """Raises InvalidInput."""
    columns = [cell.strip().lower().replace(" ", "_") for cell in head]
    known = ", ".join((*REQUIRED, *OPTIONAL))
    for name in columns:
        if name not in (*REQUIRED, *OPTIONAL) or columns.count(name) > 1:
            raise InvalidInput(
                N_("The column “{name}” is unknown, or there twice. Columns are: {known}."),
                params={"name": name[:60], "known": known},
                field="csv",
            )
    for name in REQUIRED:
        if name not in columns:
            raise InvalidInput(
                N_("The column “{name}” is missing. Columns are: {known}."),
                params={"name": name, "known": known},
                field="csv",
            )
    return columns


def _parse(line: int, columns: Sequence[str], row: Sequence[str], first: dict[str, int]) -> ParsedClient:
    fields = {name: cell.strip() for name, cell in zip(columns, row, strict=False)}
    slug, name = fields.get("slug", "")[:LONGEST_FIELD], fields.get("name", "")[:LONGEST_FIELD]
    try:
        if len(row) != len(columns):
            raise InvalidInput(
                N_("This row has {number} fields, the first line {most}."),
                params={"number": len(row), "most": len(columns)},
                field="csv",
            )
        if any(len(cell) > LONGEST_FIELD for cell in row):
            raise InvalidInput(
                N_("A field has more than {most} characters."), params={"most": LONGEST_FIELD}, field="csv"
            )
        if (earlier := first.setdefault(slug, line)) != line:
            raise InvalidInput(N_("Line {line} has this short name, too."), params={"line": str(earlier)}, field="slug")
        client = _client(fields)
        check_client(client)
    except DomainError as error:
        return ParsedClient(line, slug, name, error=error)
    return ParsedClient(line, slug, name, client, template=fields.get("template", ""))


def _client(fields: dict[str, str]) -> ClientInput:
    """Raises InvalidInput."""
    try:
        environment = Environment(fields.get("environment", "").lower() or Environment.LIVE)
    except ValueError:
        raise InvalidInput(N_("Choose whether the client is live or a sandbox."), field="environment") from None
    return ClientInput(
        name=fields["name"],
        slug=fields["slug"],
        currency=fields["currency"].upper(),
        language=fields.get("language", ""),
        time_zone=fields.get("time_zone", ""),
        region=fields.get("region", "").upper(),
        environment=environment,
    )
