"""Approvals as pages and the API show them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from canonical.values import Value
from governance.changes.schemas import ApprovalView, ChangeView


class ApprovalItem(msgspec.Struct, frozen=True):
    approval: ApprovalView
    change: ChangeView


class ChannelPreview(msgspec.Struct, frozen=True):
    """What one channel shows now and would show; `will_show` is None once it cannot come of this approval any more.

    Margins are parts of one; None where the cost is not known.
    """

    connection_id: UUID
    channel: str
    shows: Value | None
    seen_at: datetime | None
    will_show: Value | None
    margin_now: float | None
    margin_then: float | None


class ApprovalDetail(msgspec.Struct, frozen=True):
    approval: ApprovalView
    change: ChangeView
    preview: Sequence[ChannelPreview]
    cost: Value | None


class AnswerInput(msgspec.Struct, frozen=True):
    """Declining needs a reason. With `approval_id`, only what was looked at under that approval is answered."""

    grant: bool
    reason: str = ""
    approval_id: UUID | None = None


class ApprovalPage(msgspec.Struct, frozen=True):
    items: Sequence[ApprovalItem]
    next_cursor: UUID | None = None
