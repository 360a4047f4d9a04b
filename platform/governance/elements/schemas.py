"""Structs of elements for pages, commands and the API."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.reasons import LONGEST_REASON
from foundation.web.requests import RequestBody
from governance.elements.value_rules import ValueRules


class Sensitivity(LabelledCode):
    """Classification of an element's values by the client. It is shown and exported; rules of the policy
    decide who reads them. People decide every change of regulated values, such as of regulated products, and of claims
    that must comply with law (`policy.kept`).
    """

    PUBLIC = "public", N_("Public")
    INTERNAL = "internal", N_("Internal")
    CONFIDENTIAL = "confidential", N_("Confidential")
    PERSONAL = "personal", N_("Personal data")
    REGULATED = "regulated", N_("Regulated, or a claim")


class Workflow(LabelledCode):
    """Who decides a change of an element's values. Other decisions reserved to people stay with them in both."""

    POLICY = "policy", N_("The rules of the policy decide")
    ALWAYS_APPROVE = "always_approve", N_("A person approves every change")


MOST_CHANNELS: Final = 100
"""Channels that a contract names."""
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class NewElement(RequestBody, frozen=True):
    """Input of a custom element. Its code is `custom.` and `name`.

    `dimensions`: those that may divide its values. `codes`: those of an enumeration, empty for any. `distributed`:
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

    `selector`: `record_key=PREFIX*`, or a part of a dimension such as `location=Berlin`; empty for all values
    that no other contract of the element selects. Without `source_connection_id`, people and API clients set the
    values. Targets are ISO 8601 durations; `decision_slo` is a day if not given, and at most `approval_ttl`.
    `workflow`: `policy`, or `always_approve` for a person's approval of every change, whatever the rules allow; it
    stays if not given, and is `policy` for a new contract.
    `sensitivity` stays if not given, and is `internal` for a new contract. Validation `rules` stay if not given.
    `channels`: the only connections that get the values, none if empty; they stay if not given, and are every channel
    that can show the values for a new contract, or with `all_channels`.
    """

    element: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    selector: Annotated[str, msgspec.Meta(max_length=500)] = ""
    source_connection_id: UUID | None
    owner: str
    propagation_slo: timedelta = timedelta(seconds=30)
    correction_slo: timedelta = timedelta(hours=4)
    decision_slo: timedelta | None = None
    approval_ttl: timedelta = timedelta(days=2)
    workflow: Workflow | None = None
    sensitivity: Sensitivity | None = None
    rules: ValueRules | None = None
    channels: Annotated[list[UUID], msgspec.Meta(max_length=MOST_CHANNELS)] | None = None
    all_channels: bool = False


class Assignment(RequestBody, frozen=True, kw_only=True):
    """Contracts of several elements with one source of truth and the usual targets. `owner`: empty for the owner of
    each element's domain, or without one the usual team, such as Pricing of prices.
    """

    elements: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1, max_length=100)]], msgspec.Meta(min_length=1, max_length=50)
    ]
    source_connection_id: UUID | None
    owner: Annotated[str, msgspec.Meta(max_length=500)] = ""


class DomainOwnerInput(RequestBody, frozen=True, kw_only=True):
    """The owner of a data domain, such as price; empty for nobody."""

    domain: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    owner: Annotated[str, msgspec.Meta(max_length=120)]


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
    """Input of a retirement: the element's `code`, and the reason."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_REASON)]


class ElementRetired(msgspec.Struct, frozen=True):
    """`contracts` of this account that ended with the element."""

    code: str
    contracts: int


class ElementCreated(msgspec.Struct, frozen=True):
    code: str
