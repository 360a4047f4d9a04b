"""Comparison of a template with what a client has. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from foundation.marks import N_
from governance.onboarding.client_templates.content import (
    TemplateConnection,
    TemplateContent,
    TemplateContract,
    TemplateRule,
    TemplateWaiver,
    connection_key,
)
from governance.onboarding.client_templates.states import ItemKind, ItemState

FIELDS: Final[Mapping[str, str]] = {
    "source": N_("Source of truth"),
    "owner": N_("Owner"),
    "workflow": N_("Workflow"),
    "sensitivity": N_("Sensitivity"),
    "propagation_slo": N_("Publishing target"),
    "correction_slo": N_("Correction target"),
    "decision_slo": N_("Decision target"),
    "approval_ttl": N_("Approvals expire after"),
    "rule": N_("Rule"),
    "reason": N_("Reason"),
}
_COMPARED: Final = (
    "source", "owner", "workflow", "sensitivity", "propagation_slo", "correction_slo", "decision_slo", "approval_ttl",
)  # fmt: skip
Part = TemplateConnection | TemplateContract | TemplateRule | TemplateWaiver


class ClientState(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a client in the form of a template. `ids` of its connections by name; `locked`: ids of rules that
    its MSP has locked for all clients.
    """

    content: TemplateContent
    ids: Mapping[str, UUID]
    locked: Collection[str] = ()


class FieldDifference(msgspec.Struct, frozen=True):
    """A field with the client's value and the template's; `name` is a key of FIELDS."""

    name: str
    own: Any
    template: Any


class ComparedItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a template. `wanted` is the value that applying would set, with the client's name of the source."""

    key: str
    kind: ItemKind
    state: ItemState
    wanted: Part
    differences: Sequence[FieldDifference] = ()


def match_connections(wanted: Sequence[TemplateConnection], known: Sequence[TemplateConnection]) -> dict[str, str]:
    """The client's connection for each of the template's, by name: the one of its name and kind, else the only one of
    its kind.
    """
    found = {}
    for one in wanted:
        same = [each.name for each in known if each.kind == one.kind]
        named = [name for name in same if name.casefold() == one.name.casefold()]
        if named or len(same) == 1:
            found[one.name] = (named or same)[0]
    return found


def compare(template: TemplateContent, client: ClientState, kept: Collection[str]) -> list[ComparedItem]:
    """Each item of the template compared with the client. Other content of the client is its own and not compared."""
    matched = match_connections(template.connections, client.content.connections)
    items = [
        ComparedItem(
            key=connection_key(one.name), kind=ItemKind.CONNECTION, wanted=one,
            state=ItemState.SAME if one.name in matched else ItemState.WAITING,
        )
        for one in template.connections
    ]  # fmt: skip
    contracts = {one.key: one for one in client.content.contracts}
    items += [_contract(one, contracts.get(one.key), matched) for one in template.contracts]
    rules = {one.id: one for one in client.content.rules}
    items += [_rule(one, rules.get(one.id), is_locked=one.id in client.locked) for one in template.rules]
    waived = {one.check for one in client.content.waivers}
    items += [
        ComparedItem(
            key=one.key, kind=ItemKind.CHECK, wanted=one,
            state=ItemState.SAME if one.check in waived else ItemState.MISSING,
        )
        for one in template.waivers
    ]  # fmt: skip
    return [msgspec.structs.replace(one, state=ItemState.KEPT) if one.key in kept else one for one in items]


def _contract(wanted: TemplateContract, own: TemplateContract | None, matched: Mapping[str, str]) -> ComparedItem:
    if wanted.source is not None:
        if wanted.source not in matched:
            return ComparedItem(key=wanted.key, kind=ItemKind.CONTRACT, state=ItemState.WAITING, wanted=wanted)
        wanted = msgspec.structs.replace(wanted, source=matched[wanted.source])
    if own is None:
        return ComparedItem(key=wanted.key, kind=ItemKind.CONTRACT, state=ItemState.MISSING, wanted=wanted)
    found = [
        FieldDifference(name, getattr(own, name), getattr(wanted, name))
        for name in _COMPARED
        if getattr(own, name) != getattr(wanted, name)
    ]
    state = ItemState.DIFFERS if found else ItemState.SAME
    return ComparedItem(key=wanted.key, kind=ItemKind.CONTRACT, state=state, wanted=wanted, differences=found)


def _rule(wanted: TemplateRule, own: TemplateRule | None, *, is_locked: bool) -> ComparedItem:
    differences: list[FieldDifference] = []
    if is_locked:
        state = ItemState.LOCKED
    elif own is None:
        state = ItemState.MISSING
    elif own == wanted:
        state = ItemState.SAME
    else:
        state, differences = ItemState.DIFFERS, [FieldDifference("rule", own, wanted)]
    return ComparedItem(key=wanted.key, kind=ItemKind.RULE, state=state, wanted=wanted, differences=differences)
