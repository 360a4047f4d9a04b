"""Application of a template's version to a client, and exclusion of single items. In the client's scope.

Contracts whose source is not connected yet wait, and are published when the template is applied again. Rules are
published at once while the client is being onboarded, as its starter policy is; of a live client they become edits of
the draft, which another member publishes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from branding.client_brands import read_client_brand, set_parts
from branding.client_parts import parse_parts
from connectors.ports import Connector
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.database.savepoint import savepoint
from foundation.errors import DomainError, NotFound
from foundation.ids import NewId
from governance.elements.publish_contract import publish_new_contract
from governance.elements.schemas import NewContract
from governance.escalations.ladder import set_ladder
from governance.onboarding.audit_actions import OnboardingAction
from governance.onboarding.check import waive_check
from governance.onboarding.client_templates.billing_job import enqueue_billing
from governance.onboarding.client_templates.client_state import read_state
from governance.onboarding.client_templates.compare import ComparedItem, compare
from governance.onboarding.client_templates.content import (
    TemplateBrand,
    TemplateContract,
    TemplateLadder,
    TemplateNotifications,
    TemplateRule,
    TemplateWaiver,
)
from governance.onboarding.client_templates.states import BILLING, DRIFTING, ItemState
from governance.onboarding.client_templates.store import StoredVersion, find_use, put_kept, put_use
from governance.policies.drafts import draft_edits
from policy.edits import apply_edits
from policy.history import load_rules
from policy.inheritance import inherited_rule
from policy.publishing import publish_rules
from policy.repository import lock_policy
from policy.rules import PolicyRule
from tenants.client_brands.schemas import own_parts
from tenants.notifications.defaults import save_default

_SETTINGS = TemplateContract | TemplateWaiver | TemplateLadder | TemplateBrand | TemplateNotifications
"""Items that are applied one by one, at once."""


class ItemRefusal(msgspec.Struct, frozen=True):
    """An item that could not be applied, with the reason in the reader's language."""

    key: str
    detail: str


class ApplyResult(msgspec.Struct, frozen=True):
    """Keys of items: `applied` now, `waiting` for a connection, and those refused. `drafted`: rules wait in the draft
    of the policy, which somebody else must publish. `later`: plan and prices, which a job sets within a minute.
    """

    applied: Sequence[str]
    waiting: Sequence[str]
    refused: Sequence[ItemRefusal]
    drafted: bool
    later: Sequence[str] = ()


async def apply_version(  # noqa: PLR0913 - keyword-only
    session: AsyncSession,
    version: StoredVersion,
    *,
    registry: Mapping[str, Connector],
    keep: Collection[str] | None = None,
    now: datetime,
    new_id: NewId,
) -> ApplyResult:
    """Apply a version to the scope's client, except for the items in `keep`; by default those that the client already
    keeps.

    Each item is applied in full or refused separately: an item whose element the client has retired does not stop the
    others.
    """
    used = await find_use(session)
    if keep is None:
        keep = used.kept if used is not None and used.template_id == version.template_id else ()
    kept = set(keep) & set(version.content.keys)
    state = await read_state(session, now=now)
    items = compare(version.content, state, kept)
    changing = [one for one in items if one.state in DRIFTING]
    refused: list[ItemRefusal] = []
    for item in changing:
        if isinstance(item.wanted, _SETTINGS):
            refused += await _apply_one(session, item, state.ids, registry, now=now)
    rules = [one.wanted for one in changing if isinstance(one.wanted, TemplateRule)]
    drafted, problems = await _apply_rules(session, rules, now=now, new_id=new_id)
    refused += problems
    await put_use(session, version, kept, now=now)
    later = [one.key for one in changing if one.kind in BILLING]
    if later:
        await enqueue_billing(session, now=now)
    wrong = {one.key for one in refused}
    result = ApplyResult(
        applied=[one.key for one in changing if one.key not in wrong and one.key not in later],
        waiting=[one.key for one in items if one.state is ItemState.WAITING],
        refused=refused,
        drafted=drafted,
        later=later,
    )
    data = {
        "template": version.name, "version": version.version, "applied": list(result.applied),
        "waiting": list(result.waiting), "refused": sorted(wrong), "kept": sorted(kept), "later": later,
    }  # fmt: skip
    _record(session, OnboardingAction.TEMPLATE_APPLIED, data, now=now)
    return result


async def _apply_one(
    session: AsyncSession,
    item: ComparedItem,
    ids: Mapping[str, UUID],
    registry: Mapping[str, Connector],
    *,
    now: datetime,
) -> list[ItemRefusal]:
    try:
        async with savepoint(session):
            if isinstance(item.wanted, TemplateWaiver):
                await waive_check(session, item.wanted.check, reason=item.wanted.reason, now=now)
            elif isinstance(item.wanted, TemplateContract):
                await publish_new_contract(session, registry, _new_contract(item.wanted, ids), now=now)
            elif isinstance(item.wanted, TemplateLadder):
                await set_ladder(session, item.wanted.steps, now=now)
            elif isinstance(item.wanted, TemplateBrand):
                await _set_brand(session, item.wanted, now=now)
            elif isinstance(item.wanted, TemplateNotifications):
                await save_default(session, item.wanted, now=now)
    except DomainError as refusal:
        return [ItemRefusal(item.key, refusal.detail)]
    return []


async def _set_brand(session: AsyncSession, wanted: TemplateBrand, *, now: datetime) -> None:
    """Set the template's parts of the brand. With another brand colour, the client's own text colour is removed: it was
    only checked to be readable on the earlier one.
    """
    own, given = own_parts((await read_client_brand(session)).parts), dict(wanted.given)
    if given.get("accent", own["accent"]) != own["accent"]:
        own["on_accent"] = ""
    await set_parts(session, parse_parts(own | given), now=now)


def _new_contract(wanted: TemplateContract, ids: Mapping[str, UUID]) -> NewContract:
    return NewContract(
        element=wanted.element, selector=wanted.selector,
        source_connection_id=None if wanted.source is None else ids[wanted.source], owner=wanted.owner,
        propagation_slo=wanted.propagation_slo, correction_slo=wanted.correction_slo,
        decision_slo=wanted.decision_slo, approval_ttl=wanted.approval_ttl, workflow=wanted.workflow,
        sensitivity=wanted.sensitivity, all_channels=wanted.all_channels,
        channels=None if wanted.channels is None else [ids[name] for name in wanted.channels],
    )  # fmt: skip


async def _apply_rules(
    session: AsyncSession, rules: Sequence[TemplateRule], *, now: datetime, new_id: NewId
) -> tuple[bool, list[ItemRefusal]]:
    """Draft the rules, or publish them before the go-live. Returns whether they were drafted, and the refusals: of all
    rules or of none, because they are applied together.
    """
    if not rules:
        return False, []
    scope = scope_of(session)
    is_live = not await session.scalar(
        text("SELECT 1 FROM onboarding WHERE tenant_id = :t AND live_at IS NULL"), {"t": scope.tenant_id}
    )
    try:
        async with savepoint(session):
            await lock_policy(session, scope)
            _, known = await load_rules(session, scope)
            bases = {one.id: inherited_rule(one) for one in known}
            edits: dict[str, PolicyRule | None] = {
                one.id: replace(one.rule(), overrides=bases.get(one.id)) for one in rules
            }
            if is_live:
                await draft_edits(session, edits, now=now, new_id=new_id)
            else:
                await publish_rules(session, scope, rules=apply_edits(known, edits), clock=lambda: now, new_id=new_id)
    except DomainError as refusal:
        return False, [ItemRefusal(one.key, refusal.detail) for one in rules]
    return is_live, []


async def set_kept(session: AsyncSession, key: str, *, keep: bool, now: datetime) -> None:
    """Keep an item of the template as the scope's client has it, or follow the template again. Following changes
    nothing until the template is applied again.

    Raises:
        NotFound: the client follows no template, or one without this item.
    """
    used = await find_use(session)
    if used is None or key not in used.content.keys:
        raise NotFound
    kept = {*used.kept, key} if keep else set(used.kept) - {key}
    if kept == set(used.kept):
        return
    await put_kept(session, kept)
    action = OnboardingAction.TEMPLATE_ITEM_KEPT if keep else OnboardingAction.TEMPLATE_ITEM_FOLLOWED
    _record(session, action, {"template": used.template_name, "version": used.version, "item": key}, now=now)


def _record(session: AsyncSession, action: OnboardingAction, data: dict[str, object], *, now: datetime) -> None:
    append_audit(session, action=action, subject=f"client:{scope_of(session).tenant_id}", data=data, at=now)
