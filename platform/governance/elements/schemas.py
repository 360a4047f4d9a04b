"""Structs of elements for pages, commands and the API."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.reasons import LONGEST_REASON
from foundation.web.requests import RequestBody


class Sensitivity(LabelledCode):
    """Who may see the values of an element, in the words of the client's own classification."""

    PUBLIC = "public", N_("Public")
    INTERNAL = "internal", N_("Internal")
    CONFIDENTIAL = "confidential", N_("Confidential")
    PERSONAL = "personal", N_("Personal data")


Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class NewElement(RequestBody, frozen=True):
    """Input of a custom element. Its code is `custom.` and `name`.

    `dimensions`: what its values may be divided by. `codes`: those of an enumeration, empty for any. `distributed`:
    channels show it. A client's element gets a contract with the usual targets, of `owner` and `source_connection_id`;
    without a source, people and API clients set it. An MSP's gets none, because each client publishes its own.
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


class NewContract(RequestBody, frozen=True, kw_only=True):
    """A contract to publish: a new one, or the next version of the one with this element and selector.

    `selector`: `record_key=PREFIX*`, or a part of a dimension such as `location=Berlin`; empty for what no other
    contract of the element selects. Without `source_connection_id`, people and API clients set the values. Targets are
    ISO 8601 durations; `decision_slo` is a day if not given, and at most `approval_ttl`. `sensitivity` stays if not
    given, and is `internal` of a new contract.
    """

    element: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    selector: Annotated[str, msgspec.Meta(max_length=500)] = ""
    source_connection_id: UUID | None
    owner: str
    propagation_slo: timedelta = timedelta(seconds=30)
    correction_slo: timedelta = timedelta(hours=4)
    decision_slo: timedelta | None = None
    approval_ttl: timedelta = timedelta(days=2)
    workflow: Annotated[str, msgspec.Meta(max_length=100)] = "policy"
    sensitivity: Sensitivity | None = None


class Assignment(RequestBody, frozen=True, kw_only=True):
    """Contracts of several elements with one source of truth and the usual targets. `owner`: empty for the usual owner
    of each element, such as Pricing of prices.
    """

    elements: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1, max_length=100)]], msgspec.Meta(min_length=1, max_length=50)
    ]
    source_connection_id: UUID | None
    owner: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Assigned(msgspec.Struct, frozen=True):
    """Elements that have a contract now."""

    elements: Sequence[str]


class ContractPublished(msgspec.Struct, frozen=True):
    """The contract's `selector` in its canonical form, by which it is removed, and its version."""

    element: str
    selector: str
    version: int


class ContractToRemove(RequestBody, frozen=True):
    element: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    selector: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class ContractRemoved(msgspec.Struct, frozen=True):
    """The `owner` and the source of the element's default contract, which applies to the contract's values now."""

    owner: str
    source_connection_id: UUID | None


class ElementView(msgspec.Struct, frozen=True):
    """`declared_by`: the client itself, or its MSP for all its clients. `created_by` and `retired_by` are empty where a
    client lists its MSP's. With `retired_at` it takes no values any more.
    """

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
    declared_by: Literal["msp", "client"]
    retired_at: datetime | None = None
    retired_by: str = ""


class ElementToRetire(RequestBody, frozen=True):
    """The element's `code`, and why it is not needed any more."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_REASON)]


class ElementRetired(msgspec.Struct, frozen=True):
    """`contracts` of this account that ended with the element."""

    code: str
    contracts: int


class ElementCreated(msgspec.Struct, frozen=True):
    code: str
