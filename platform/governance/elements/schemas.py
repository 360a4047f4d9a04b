"""Structs of elements for pages, commands and the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class NewElement(RequestBody, frozen=True):
    """Input of a custom element. Its code is `custom.` and `name`.

    `dimensions`: what its values may be divided by. `codes`: those of an enumeration, empty for any. `distributed`:
    channels show it. With `source_connection_id` a contract is published too, with the usual targets; without, people
    and API clients set it.
    """

    name: Name
    label: str
    value_type: str
    record_type: Name = "product"
    domain: Name = "custom"
    dimensions: Annotated[list[str], msgspec.Meta(max_length=8)] = msgspec.field(default_factory=list)
    codes: Annotated[list[str], msgspec.Meta(max_length=200)] = msgspec.field(default_factory=list)
    distributed: bool = True
    owner: str = "Catalogue"
    source_connection_id: UUID | None = None


class ElementView(msgspec.Struct, frozen=True):
    code: str
    label: str
    domain: str
    record_type: str
    value_type: str
    dimensions: Sequence[str]
    codes: Sequence[str]
    distributed: bool
    created_at: datetime
    created_by: str


class ElementCreated(msgspec.Struct, frozen=True):
    code: str
