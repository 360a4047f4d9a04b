"""Reading of a vendor's CSV file: pure, with the error and the bytes of each row.

The file is read as Latin-1, in which each byte is one character, so that a row's bytes are its text; cells are decoded
as UTF-8 afterwards, one by one.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, localcontext
from typing import Final

import msgspec

from billing.vendor_bills.schemas import LONGEST, LONGEST_TEXT, VendorLineInput
from canonical.money import InexactAmount, UnknownCurrency, minor_exponent, parse_decimal
from foundation.errors import DomainError, InvalidInput
from foundation.marks import N_
from foundation.text import has_visible_text, is_storable
from foundation.web.lists import is_day

MOST_ROWS: Final = 20_000
PLACES: Final = 9
_MOST: Final = Decimal(10) ** 12
_DIGITS: Final = 60
"""Digits of a product or quotient of two numbers."""
_SEPARATORS: Final = ",;\t"
_BOM: Final = "\ufeff".encode().decode("latin-1")
COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "vendor": ("distributor", "supplier"),
    "bill_number": ("invoice_number", "invoice", "bill"),
    "line": ("line_number", "line_id"),
    "client_id": ("customer_id", "company_id", "tenant_id"),
    "client_name": ("customer", "customer_name", "company", "company_name", "client"),
    "product_code": ("sku", "product_id", "product", "part_number"),
    "description": ("product_name", "item", "details"),
    "quantity": ("qty", "units"),
    "unit_cost": ("unit_price", "price", "cost"),
    "amount": ("total", "subtotal", "extended", "line_total", "net"),
    "currency": ("currency_code",),
    "service_from": ("start_date", "period_start", "from"),
    "service_to": ("end_date", "period_end", "to"),
}
"""Columns, with the names used by distributors."""
_NAMES: Final = {name: own for own, others in COLUMNS.items() for name in (own, *others)}
_REQUIRED: Final = ("bill_number", "product_code", "quantity", "currency")


class ParsedLine(msgspec.Struct, frozen=True):
    """A row of the file, from its line `place`: the checked row, or the error and the bytes."""

    place: int
    line: VendorLineInput | None = None
    error: DomainError | None = None
    raw: bytes = b""


def parse_bills(content: bytes, vendor: str = "") -> Sequence[ParsedLine]:
    """The rows of a file whose first line names the columns. `vendor`: for rows without one. A row without a line
    number has its place among the rows of its bill.

    Raises:
        InvalidInput: it is not such a file, or has too many rows.
    """
    text = content.decode("latin-1").removeprefix(_BOM)
    separator = max(_SEPARATORS, key=text.partition("\n")[0].count)
    records = _records(text, separator)
    _, head, _ = next(records, (1, None, ""))
    columns = _columns(head or [])
    counted: Counter[tuple[str, str]] = Counter()
    found: list[ParsedLine] = []
    for place, cells, raw in records:
        if cells is not None and not any(cell.strip() for cell in cells):
            continue
        found.append(_parse(place, columns, cells, raw, vendor, counted, separator))
        if len(found) > MOST_ROWS:
            raise InvalidInput(
                N_("The file has more than {most} rows. Divide it."), params={"most": MOST_ROWS}, field="file"
            )
    return found


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str] | None, str]]:
    """(first line, cells or None if it is not CSV, text) of each record."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            taken.append(line)
            yield line

    reader, place = csv.reader(lines(), delimiter=separator, strict=True), 1
    while True:
        cells: list[str] | None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = None
        yield place, cells, "".join(taken)
        place += len(taken)
        taken.clear()


def _columns(head: Sequence[str]) -> list[str]:
    """Our name of each column; empty for columns that are not read. Raises InvalidInput."""
    if not any(cell.strip() for cell in head):
        raise InvalidInput(N_("The file is empty. Its first line names the columns."), field="file")
    columns = [_NAMES.get(cell.strip().lower().replace(" ", "_"), "") for cell in head]
    missing = [name for name in _REQUIRED if name not in columns]
    for either in (("client_id", "client_name"), ("amount", "unit_cost")):
        missing += [] if set(either) & set(columns) else [either[0]]
    if missing:
        raise InvalidInput(
            N_("The column “{name}” is missing. Columns are: {known}."),
            params={"name": missing[0], "known": ", ".join(COLUMNS)},
            field="file",
        )
    for name, count in Counter(filter(None, columns)).items():
        if count > 1:
            raise InvalidInput(N_("The column “{name}” is there twice."), params={"name": name}, field="file")
    return columns


def _parse(  # noqa: PLR0913, PLR0917 - the parts of one row
    place: int,
    columns: Sequence[str],
    cells: Sequence[str] | None,
    raw: str,
    vendor: str,
    counted: Counter[tuple[str, str]],
    separator: str,
) -> ParsedLine:
    try:
        fields = _fields(columns, cells)
        fields["vendor"] = fields.get("vendor") or vendor
        bill = (fields["vendor"], fields["bill_number"])
        counted[bill] += 1
        fields["line"] = fields.get("line") or str(counted[bill])
        return ParsedLine(place, check_line(_line(fields, comma=separator == ";")))
    except DomainError as error:
        return ParsedLine(place, error=error, raw=raw.encode("latin-1"))


def _fields(columns: Sequence[str], cells: Sequence[str] | None) -> dict[str, str]:
    """Raises InvalidInput."""
    if cells is None:
        raise InvalidInput(N_("This row is not CSV: its quotation marks do not match."), field="file")
    if len(cells) != len(columns):
        raise InvalidInput(
            N_("This row has {number} fields, the first line {most}."),
            params={"number": len(cells), "most": len(columns)},
            field="file",
        )
    try:
        texts = [cell.encode("latin-1").decode().strip() for cell in cells]
    except UnicodeDecodeError:
        raise InvalidInput(N_("This row is not text in UTF-8."), field="file") from None
    return {name: text for name, text in zip(columns, texts, strict=True) if name}


def _line(fields: Mapping[str, str], *, comma: bool) -> VendorLineInput:
    """Raises InvalidInput."""
    for name, text in fields.items():
        most = LONGEST_TEXT if name == "description" else LONGEST
        if len(text) > most:
            raise InvalidInput(N_("A field has more than {most} characters."), params={"most": most}, field=name)
    texts = {name: fields.get(name, "") for name in COLUMNS}
    numbers = {name: _number(texts.pop(name), name, comma=comma) for name in ("quantity", "unit_cost", "amount")}
    days = {name: _day(texts.pop(name), name) for name in ("service_from", "service_to")}
    if numbers["quantity"] is None:
        raise InvalidInput(N_("The quantity is missing."), field="quantity")
    texts["currency"] = texts["currency"].upper()
    return msgspec.convert({**texts, **numbers, **days}, VendorLineInput)


def _number(text: str, name: str, *, comma: bool) -> Decimal | None:
    """A number with a point; in a file with semicolons, a comma is a point. Raises InvalidInput."""
    if not text:
        return None
    try:
        return parse_decimal(text.replace(",", ".") if comma and "." not in text else text)
    except InexactAmount:
        raise InvalidInput(
            N_("“{number}” is not a number such as 1234.50, without thousands separators."),
            params={"number": text[:40]},
            field=name,
        ) from None


def _day(text: str, name: str) -> date | None:
    """Raises InvalidInput."""
    if not text:
        return None
    if not is_day(text[:10]) or text[10:11] not in {"", "T", " "}:
        raise InvalidInput(N_("“{day}” is not a day such as 2026-11-29."), params={"day": text[:40]}, field=name)
    return date.fromisoformat(text[:10])


def check_line(line: VendorLineInput) -> VendorLineInput:
    """The row with all its numbers. Raises InvalidInput: names the field."""
    for name in (
        "vendor",
        "bill_number",
        "line",
        "product_code",
        "currency",
        "client_name",
        "client_id",
        "description",
    ):
        text = getattr(line, name)
        optional = name in {"client_id", "description"} or (name == "client_name" and line.client_id)
        if not is_storable(text) or not (optional or has_visible_text(text)):
            raise InvalidInput(
                N_("The field “{name}” is empty, or has characters that cannot be stored."),
                params={"name": name},
                field=name,
            )
    try:
        minor_exponent(line.currency)
    except UnknownCurrency:
        raise InvalidInput(
            N_("“{currency}” is not a currency of ISO 4217. A currency is three capital letters, such as EUR."),
            params={"currency": line.currency[:20]},
            field="currency",
        ) from None
    for name in ("quantity", "unit_cost", "amount"):
        _check_number(getattr(line, name), name)
    if line.service_from and line.service_to and line.service_to < line.service_from:
        raise InvalidInput(N_("The service ends before it begins."), field="service_to")
    return _completed(line)


def _check_number(number: Decimal | None, name: str) -> None:
    if number is not None and not (number.is_finite() and abs(number) < _MOST and number == round(number, PLACES)):
        raise InvalidInput(
            N_("A number has at most 12 digits before the point and {places} after it."),
            params={"places": PLACES},
            field=name,
        )


def _completed(line: VendorLineInput) -> VendorLineInput:
    """Raises InvalidInput: there is neither an amount nor a unit cost."""
    if line.amount is None and line.unit_cost is None:
        raise InvalidInput(N_("Enter the amount, or the cost of a unit."), field="amount")
    amount, cost = line.amount, line.unit_cost
    with localcontext() as context:
        context.prec = _DIGITS
        if amount is None:
            amount = line.quantity * (cost or 0)
            _check_number(amount, "unit_cost")
        if cost is None:
            cost = round(amount / line.quantity, PLACES) if line.quantity else Decimal(0)
    return msgspec.structs.replace(line, amount=amount, unit_cost=cost)
