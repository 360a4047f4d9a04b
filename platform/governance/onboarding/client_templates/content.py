"""Content of a template's version, and its limits. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Final

import msgspec

from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.names import clean_name
from foundation.reasons import clean_reason
from foundation.text import is_storable
from foundation.web.requests import RequestBody
from governance.elements.schemas import Sensitivity
from governance.onboarding.steps import OnboardingCheck
from policy.index import check_rule, compile_rules
from policy.rules import Effect, PolicyRule, RuleKind

MOST_CONNECTIONS: Final = 50
MOST_CONTRACTS: Final = 200
MOST_RULES: Final = 200
Code = Annotated[str, msgspec.Meta(max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=2000)]


class TemplateConnection(RequestBody, frozen=True):
    """A system that each client connects: its name and its connector's `kind`. The client has its own address and
    secrets.
    """

    name: Code
    kind: Code


class TemplateContract(RequestBody, frozen=True, kw_only=True):
    """A contract. `source`: the name of a connection of the template; null if people and API clients set the values."""

    element: Code
    selector: Annotated[str, msgspec.Meta(max_length=500)] = ""
    source: Code | None
    owner: Code
    workflow: Annotated[str, msgspec.Meta(max_length=100)] = "policy"
    sensitivity: Sensitivity = Sensitivity.INTERNAL
    propagation_slo: timedelta = timedelta(seconds=30)
    correction_slo: timedelta = timedelta(hours=4)
    decision_slo: timedelta = timedelta(days=1)
    approval_ttl: timedelta = timedelta(days=2)

    @property
    def key(self) -> str:
        return f"contract:{self.element}:{self.selector}"


class TemplateRule(RequestBody, frozen=True, kw_only=True):
    """A governance rule of the policy, as Casbin has it. Its `id` is the same in each client."""

    id: Code
    sub: Code = "*"
    obj: Code
    act: Code
    condition: Text = ""
    effect: Effect = Effect.ALLOW
    description: Text = ""
    approver: Code = ""
    approvals: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1

    @property
    def key(self) -> str:
        return f"rule:{self.id}"

    def rule(self) -> PolicyRule:
        """The rule, not assigned to an account yet."""
        return PolicyRule(
            id=self.id, ptype=RuleKind.GOVERNANCE, sub=self.sub, dom="", obj=self.obj, act=self.act,
            condition=self.condition, effect=self.effect, description=self.description, approver=self.approver,
            approvals=self.approvals,
        )  # fmt: skip


class TemplateWaiver(RequestBody, frozen=True):
    """A check of the go-live checklist that is waived for each client, with the reason."""

    check: OnboardingCheck
    reason: Text

    @property
    def key(self) -> str:
        return f"check:{self.check}"


class TemplateContent(RequestBody, frozen=True, kw_only=True):
    """The items of a template's version."""

    connections: Annotated[Sequence[TemplateConnection], msgspec.Meta(max_length=MOST_CONNECTIONS)] = ()
    contracts: Annotated[Sequence[TemplateContract], msgspec.Meta(max_length=MOST_CONTRACTS)] = ()
    rules: Annotated[Sequence[TemplateRule], msgspec.Meta(max_length=MOST_RULES)] = ()
    waivers: Annotated[Sequence[TemplateWaiver], msgspec.Meta(max_length=20)] = ()

    @property
    def keys(self) -> list[str]:
        """Keys of all items, connections first."""
        return [
            *(connection_key(one.name) for one in self.connections),
            *(one.key for one in self.contracts),
            *(one.key for one in self.rules),
            *(one.key for one in self.waivers),
        ]

    def without(self, key: str) -> "TemplateContent":
        """The content without one item."""
        return TemplateContent(
            connections=[one for one in self.connections if connection_key(one.name) != key],
            contracts=[one for one in self.contracts if one.key != key],
            rules=[one for one in self.rules if one.key != key],
            waivers=[one for one in self.waivers if one.key != key],
        )


def connection_key(name: str) -> str:
    return f"connection:{name}"


def rule_of(rule: PolicyRule) -> TemplateRule:
    return TemplateRule(
        id=rule.id, sub=rule.sub, obj=rule.obj, act=rule.act, condition=rule.condition, effect=rule.effect,
        description=rule.description, approver=rule.approver, approvals=rule.approvals,
    )  # fmt: skip


def check_content(content: TemplateContent) -> TemplateContent:
    """The content with its names in the form in which they are stored.

    Raises:
        InvalidInput: a part is malformed, is there twice, or names a connection that is not there.
        InvalidRule: a rule is not well-formed.
    """
    if not is_storable(msgspec.json.encode(content).decode()):
        raise InvalidInput(N_("The template contains a character that cannot be stored, such as NUL."), field="content")
    _check_unique(content.keys)
    names = {one.name for one in content.connections}
    for contract in content.contracts:
        if not contract.element or min(contract.propagation_slo, contract.correction_slo) <= timedelta(0):
            raise InvalidInput(N_("Each target must be longer than zero."), field="content")
        if contract.source is not None and contract.source not in names:
            raise InvalidInput(
                N_("The template has no connection “{name}”. Add it first."),
                params={"name": contract.source[:60]},
                field="source",
            )
    rules = [replace(one.rule(), dom="template") for one in content.rules]
    for rule in rules:
        check_rule(rule)
    compile_rules(rules, tenant_id="template", version=0)
    return msgspec.structs.replace(
        content,
        connections=[TemplateConnection(clean_name(one.name), one.kind) for one in content.connections],
        contracts=[
            msgspec.structs.replace(one, owner=clean_name(one.owner, field="owner")) for one in content.contracts
        ],
        waivers=[TemplateWaiver(one.check, clean_reason(one.reason)) for one in content.waivers],
    )


def _check_unique(keys: Iterable[str]) -> None:
    """Raises InvalidInput."""
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise InvalidInput(N_("The template has this item already: {item}."), params={"item": key}, field="content")
        seen.add(key)
