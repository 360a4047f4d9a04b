"""Structs of client templates for pages, commands and the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody
from governance.onboarding.client_templates.content import Code, TemplateContent
from governance.onboarding.client_templates.states import ItemKind, ItemState

Note = Annotated[str, msgspec.Meta(max_length=500)]


class TemplateInput(RequestBody, frozen=True, kw_only=True):
    """A new template: its `content`, or that of the client with the short name `client`; empty without both."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    client: Code = ""
    content: TemplateContent | None = None
    note: Note = ""


class VersionInput(RequestBody, frozen=True, kw_only=True):
    """The next version of a template: its whole `content`, or the present content of the client of this short name."""

    client: Code = ""
    content: TemplateContent | None = None
    note: Note = ""


class ApplyInput(RequestBody, frozen=True, kw_only=True):
    """`version`: the newest if not given. `keep`: keys of items that stay as the client has them; if not given, those
    that it keeps already.
    """

    template_id: UUID
    version: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    keep: Annotated[list[Annotated[str, msgspec.Meta(max_length=700)]], msgspec.Meta(max_length=500)] | None = None


class KeepInput(RequestBody, frozen=True):
    """The `key` of an item. `keep`: the item stays as the client has it; else it follows the template."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=700)]
    keep: bool


class TemplateRow(msgspec.Struct, frozen=True, kw_only=True):
    """A template in the list; `clients` follow it, `behind` of them an earlier version."""

    id: UUID
    name: str
    version: int
    changed_at: datetime
    clients: int
    behind: int


class TemplateVersionView(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a template. `latest`: the newest version's number."""

    template_id: UUID
    name: str
    version: int
    latest: int
    note: str
    created_at: datetime
    created_by: str
    content: TemplateContent


class TemplateSaved(msgspec.Struct, frozen=True):
    template_id: UUID
    version: int


class PartView(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a template in the reader's language."""

    key: str
    kind: ItemKind
    kind_label: str
    label: str
    detail: str


class DifferenceView(msgspec.Struct, frozen=True):
    """A field with the client's and the template's value, in the reader's language."""

    field: str
    label: str
    own: str
    template: str


class ItemView(PartView, frozen=True, kw_only=True):
    """An item compared with a client. `connector`: the kind of a connection's connector."""

    connector: str
    state: ItemState
    state_label: str
    differences: Sequence[DifferenceView]


class TemplateUseView(msgspec.Struct, frozen=True, kw_only=True):
    """The template that a client follows, compared with the client's present content. `compared`: the version of
    `items`, the applied one or the one to pull. `summary`: the differences as a sentence. `problem`: why plan and
    prices could not be set when it was applied.
    """

    client: str
    template_id: UUID
    name: str
    version: int
    latest: int
    compared: int
    applied_at: datetime
    applied_by: str
    summary: str
    items: Sequence[ItemView]
    problem: str

    @property
    def is_behind(self) -> bool:
        return self.version < self.latest


class TemplateClientRow(msgspec.Struct, frozen=True, kw_only=True):
    """A client that follows a template. `differing`, `missing` and `waiting` count items other than rules; `kept` all
    items that stay as the client has them. Rules are compared on the client's own page.
    """

    tenant_id: UUID
    client: str
    client_name: str
    template_id: UUID
    template: str
    version: int
    latest: int
    applied_at: datetime
    differing: int
    missing: int
    waiting: int
    kept: int
    summary: str
