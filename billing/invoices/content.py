"""Content that the hash of an invoice covers."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Row

from billing.price_books.pricing import plain


def content_of(row: Row[Any]) -> tuple[Any, ...]:
    """A line as hashed: whole quantities as integers, and the fields of `_IF_ANY` only if they have a value."""
    values = {**row._mapping, "quantity": plain(row.quantity), "included": plain(row.included)}  # noqa: SLF001
    return tuple(value for name, value in values.items() if name not in _IF_ANY or value is not None)


_IF_ANY = ("terms", "kind", "product", "cause")


def hash_content(invoice: Row[Any], lines: Sequence[tuple[Any, ...]], total: int) -> str:
    """Hexadecimal SHA-256 over the head and the lines of `content_of`."""
    head = (invoice.side, invoice.client_id, invoice.period_start, invoice.period_end, invoice.currency, total)
    content = [[_in_utc(value) for value in part] for part in (head, *lines)]
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def _in_utc(value: object) -> object:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
