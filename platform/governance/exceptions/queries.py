"""Columns of exceptions and their mapping to the view struct."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Row

from foundation.i18n.localizer import Localizer, current_localizer
from foundation.i18n.messages import StoredMessage
from governance.exceptions.schemas import ExceptionView, SeverityFactor, SeverityFactors
from governance.exceptions.severity import explain_type
from governance.impact import to_impact
from governance.messages.severity import BY_TYPE
from governance.messages.writer import write_message, write_title

EXCEPTION_COLUMNS: Final = """
    e.id, e.code, e.message, e.params, e.severity, e.severity_factors, e.impact_amount, e.impact_currency,
    e.state, e.record_key, e.element, e.dimension,
    e.record_type, e.connection_id, n.name AS channel, e.change_id, e.source_event_id, e.occurrences, e.opened_at,
    e.seen_at, e.correction_due_at, e.closed_at, e.closed_by, e.correlation
"""
_WRITTEN: Final = frozenset({"title", "detail", "severity_factors", "impact"})
_EXCEPTION_FIELDS: Final = tuple(name for name in ExceptionView.__struct_fields__ if name not in _WRITTEN)


def to_exception(row: Row[Any]) -> ExceptionView:
    """Map a row of EXCEPTION_COLUMNS, its sentences in the reader's language."""
    localizer = current_localizer()
    message = StoredMessage(row.message, row.params)
    return ExceptionView(
        **{name: getattr(row, name) for name in _EXCEPTION_FIELDS},
        title=write_title(message, localizer),
        detail=write_message(message, localizer),
        severity_factors=_factors(row.code, row.severity_factors, localizer),
        impact=to_impact(row),
    )


def _factors(code: str, stored: Mapping[str, Any], localizer: Localizer) -> SeverityFactors:
    factors = [
        SeverityFactor(
            name=factor["name"],
            points=factor["points"],
            code=factor["code"],
            params=factor.get("params", {}),
            why=localizer.text(explain_type(code))
            if factor["code"] == BY_TYPE
            else write_message(StoredMessage(factor["code"], factor.get("params", {})), localizer),
        )
        for factor in stored.get("factors", ())
    ]
    return SeverityFactors(stored.get("formula", ""), factors)
