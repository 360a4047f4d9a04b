"""Columns of exceptions and their mapping to the view struct."""

from typing import Any, Final

from sqlalchemy import Row

from governance.exceptions.schemas import ExceptionView

EXCEPTION_COLUMNS: Final = """
    e.id, e.code, e.title, e.detail, e.severity, e.breakdown, e.state, e.record_key, e.element, e.connection_id,
    n.name AS channel, e.change_id, e.source_event_id, e.occurrences, e.opened_at, e.seen_at, e.correction_due_at,
    e.closed_at, e.closed_by, e.correlation
"""
_EXCEPTION_FIELDS: Final = ExceptionView.__struct_fields__


def to_exception(row: Row[Any]) -> ExceptionView:
    """Map a row of EXCEPTION_COLUMNS."""
    return ExceptionView(**{name: getattr(row, name) for name in _EXCEPTION_FIELDS})
