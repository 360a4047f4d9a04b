"""Structs of exceptions for pages and the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from canonical.values import MoneyValue
from governance.exception_types import is_of_channel
from governance.exceptions.states import ExceptionState


class SeverityFactor(msgspec.Struct, frozen=True):
    """A part of a severity. `why` is the sentence of `code` and `params`, in the reader's language."""

    name: str
    points: int
    code: str
    params: dict[str, Any]
    why: str


class SeverityFactors(msgspec.Struct, frozen=True):
    """The version of the formula, and the factors whose points it adds up."""

    formula: str
    factors: Sequence[SeverityFactor]


class ExceptionView(msgspec.Struct, frozen=True):
    """An exception. `severity` is 0 to 100. `impact` is the size of the difference in price, null if no price is
    concerned. `title` and `detail` are the sentences of `message` and `params`, in the reader's language.
    """

    id: UUID
    code: str
    message: str
    params: dict[str, Any]
    title: str
    detail: str
    severity: int
    severity_factors: SeverityFactors
    impact: MoneyValue | None
    state: str
    record_key: str | None
    element: str | None
    dimension: str
    record_type: str
    connection_id: UUID | None
    channel: str | None
    change_id: UUID | None
    source_event_id: UUID | None
    occurrences: int
    opened_at: datetime
    seen_at: datetime
    correction_due_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    correlation: str

    @property
    def can_replay(self) -> bool:
        """Whether a replay is possible (see `governance.changes.replay.replay_exception`)."""
        on_channel = is_of_channel(self.code, self.change_id, self.connection_id, self.source_event_id)
        return (
            self.state == ExceptionState.OPEN
            and self.connection_id is not None
            and (on_channel or bool(self.source_event_id))
        )
