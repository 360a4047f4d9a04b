"""Structs of the inbox for pages and the API."""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

import msgspec

from canonical.values import MoneyValue, Value
from foundation.marks import N_
from foundation.web.actions import BulkIds
from foundation.web.requests import RequestBody


class InboxKind(StrEnum):
    APPROVAL = "approval"
    EXCEPTION = "exception"


KIND_LABELS = {InboxKind.APPROVAL: N_("Approvals"), InboxKind.EXCEPTION: N_("Exceptions")}


class InboxItem(msgspec.Struct, frozen=True):
    """A pending approval or an open exception. `id` is the approval's or the exception's, `client` the client's short
    name. `severity` is 0 to 100; an approval has that of the exception that it becomes when it is overdue. `impact` is
    the size of the difference in price, null if no price is concerned. `title` and `detail` are in the reader's
    language. `record_title` is the product's name, empty if there is none. `escalations` are the steps of the
    escalation ladder that were reached.
    """

    id: UUID
    kind: str
    client: str
    client_name: str
    tenant_id: UUID
    change_id: UUID | None
    code: str
    title: str
    detail: str
    severity: int
    impact: MoneyValue | None
    record_key: str | None
    element: str | None
    dimension: str
    record_type: str
    record_title: str
    old: Value | None
    new: Value | None
    opened_at: datetime
    due_at: datetime
    escalations: int

    @property
    def path(self) -> str:
        """Address of the item's own page."""
        root = f"/clients/{self.client}"
        return (
            f"{root}/approvals/{self.change_id}" if self.kind == InboxKind.APPROVAL else f"{root}/exceptions/{self.id}"
        )


class InboxAct(RequestBody, frozen=True):
    """Up to 200 items of any clients and an action: `approve` and `decline` are for approvals, the others for
    exceptions. `reason` is needed to decline.
    """

    action: Literal["approve", "decline", "replay", "resolve", "discard"]
    ids: BulkIds
    reason: str = ""


class InboxCounts(msgspec.Struct, frozen=True):
    approval: int
    exception: int

    @property
    def all(self) -> int:
        return self.approval + self.exception

    def of(self, kind: str) -> int:
        """Number of the items of a kind; of all for an empty one."""
        counts: dict[str, int] = {InboxKind.APPROVAL: self.approval, InboxKind.EXCEPTION: self.exception}
        return counts.get(kind, self.all)
