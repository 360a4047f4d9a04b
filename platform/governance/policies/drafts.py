"""Drafts of the policy: at most one is open, which all members with the right to draft edit together."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput, NotFound
from foundation.ids import NewId
from foundation.marks import N_
from foundation.text import is_storable
from governance.inputs import check_text
from governance.notices import POLICY_DRAFTED
from governance.policies import repository
from governance.policies.audit_actions import PolicyDraftAction
from governance.policies.elements import find_element, is_about_retired, load_elements
from governance.policies.errors import LockedRule, NothingDrafted
from governance.policies.rows import Draft
from governance.policies.states import DraftState
from policy.edits import Edits, edits_between
from policy.errors import InvalidRule
from policy.history import load_rules, rules_at, same_rule
from policy.inheritance import inherited_rule, omit, restored
from policy.packaged import SYSTEM_ROLES
from policy.role_repository import role_names
from policy.rule_form import RuleForm, build_rule, roles_named_by
from policy.rules import PolicyRule, rule_fields
from tenants.notifications.notify import notify

_LONGEST_ID: Final = 200


async def put_rule(
    session: AsyncSession, form: RuleForm, *, rule_id: str = "", now: datetime, new_id: NewId
) -> PolicyRule:
    """Add a rule to the draft, or change the one with `rule_id`; opens a draft when none is. Returns the rule.

    Raises:
        NotFound: neither the policy nor the draft has a rule with `rule_id`.
        LockedRule: the MSP has locked it.
        InvalidRule, InvalidInput: the form is not complete.
    """
    element = find_element(await load_elements(session), form.element)
    check_text(form.reason, "reason")
    scope = scope_of(session)
    if form.locked and scope.tenant_id != scope.msp_id:
        raise InvalidInput(N_("Only the MSP's own rules can be locked."), field="locked")
    rule = build_rule(form, element, rule_id=rule_id or f"rule-{new_id().hex[-12:]}")
    await _check_roles(session, rule)
    base = await _inherited(session, rule_id) if rule_id else None
    if base is not None:
        rule = base if replace(rule, inherited=True) == base else replace(rule, overrides=base)
    await _edit(session, rule.id, rule, known=bool(rule_id), now=now, new_id=new_id)
    return rule


async def _check_roles(session: AsyncSession, rule: PolicyRule) -> None:
    """Raises InvalidRule: a role that does not exist, so that the rule would never apply."""
    if unknown := roles_named_by(rule) - {rule.approver} - SYSTEM_ROLES:
        unknown -= (await role_names(session)).keys()
    if unknown:
        raise InvalidRule(N_("There is no role “{role}” here."), params={"role": min(unknown)})


async def remove_rule(session: AsyncSession, rule_id: str, *, now: datetime, new_id: NewId) -> None:
    """Remove a rule in the draft; opens a draft when none is. A rule that is inherited from the MSP is omitted.

    Raises:
        NotFound: neither the policy nor the draft has the rule.
        LockedRule: the MSP has locked it.
    """
    base = await _inherited(session, rule_id)
    await _edit(session, rule_id, None if base is None else omit(base), known=True, now=now, new_id=new_id)


async def inherit_rule(session: AsyncSession, rule_id: str, *, now: datetime, new_id: NewId) -> None:
    """Draft the MSP's rule again, in place of the one that overrides or omits it.

    Raises:
        NotFound: the MSP has no such rule.
    """
    base = await _inherited(session, rule_id)
    if base is None:
        raise NotFound
    await _edit(session, rule_id, base, known=False, now=now, new_id=new_id)


async def _inherited(session: AsyncSession, rule_id: str) -> PolicyRule | None:
    """The MSP's rule with this id; None where it has none. Raises: LockedRule."""
    _, rules = await load_rules(session, scope_of(session))
    base = inherited_rule(next((rule for rule in rules if rule.id == rule_id), None))
    if base is not None and base.locked:
        raise LockedRule(
            N_("Your service provider has locked this rule for all its clients, so it cannot be changed here.")
        )
    return base


async def revert_rule(session: AsyncSession, rule_id: str, *, now: datetime) -> None:
    """Take an edit out of the draft: the rule stays as it is published.

    Raises:
        NotFound: the draft does not edit this rule.
    """
    draft = await repository.find_draft(session, lock=True)
    if draft is None or rule_id not in draft.edits:
        raise NotFound
    await repository.delete_edits(session, draft.id, rule_id)
    await _record(session, draft, {"rule": rule_id, "edit": "reverted"}, now=now)


async def restore_version(session: AsyncSession, version: int, *, now: datetime, new_id: NewId) -> Draft:
    """Draft the rules of an earlier version in place of every other edit; publishing them is the rollback. A rule
    about an element that is retired by now stays as it is published; the draft lists it (`left_out`).

    Raises:
        NotFound: no such version in this account.
        NothingDrafted: its rules are those that are published, apart from rules about retired elements.
    """
    earlier = await rules_at(session, scope_of(session), version)
    _, published = await load_rules(session, scope_of(session))
    bases = {rule.id: inherited_rule(rule) for rule in published}
    found = {rule.id: rule for rule in earlier}
    wanted = [restored(found.get(rule_id), bases.get(rule_id)) for rule_id in {**bases, **found}]
    edits = edits_between(published, [rule for rule in wanted if rule is not None])
    elements = await load_elements(session)
    retired = {rule_id for rule_id, rule in edits.items() if rule is not None and is_about_retired(rule, elements)}
    edits = {rule_id: rule for rule_id, rule in edits.items() if rule_id not in retired}
    if not edits and retired:
        raise NothingDrafted(N_("This version differs only in rules about retired elements, which are not restored."))
    if not edits:
        raise NothingDrafted(N_("This version has the rules that are published now."))
    draft = await _open(session, now=now, new_id=new_id)
    await repository.delete_edits(session, draft.id)
    for rule_id, rule in edits.items():
        await repository.put_edit(session, draft.id, rule_id, rule)
    await _record(session, draft, {"restores": version}, restores=version, now=now)
    return draft


async def draft_edits(session: AsyncSession, edits: Edits, *, now: datetime, new_id: NewId) -> Draft:
    """Draft these edits beside the draft's others; opens a draft when none is."""
    draft = await repository.find_draft(session, lock=True) or await _open(session, now=now, new_id=new_id)
    for rule_id, rule in edits.items():
        await repository.put_edit(session, draft.id, rule_id, rule)
    await _record(session, draft, {"rules": sorted(edits)}, now=now)
    return draft


async def discard_draft(session: AsyncSession, *, now: datetime) -> None:
    """Raises NotFound: no draft is open."""
    draft = await repository.find_draft(session, lock=True)
    if draft is None:
        raise NotFound
    await repository.end_draft(session, draft.id, DraftState.DISCARDED, now=now)
    append_audit(
        session, action=PolicyDraftAction.DRAFT_DISCARDED, subject=f"policy_draft:{draft.id}",
        data={"edits": len(draft.edits)}, at=now,
    )  # fmt: skip


async def _edit(  # noqa: PLR0913 - one step of two use cases, not an interface
    session: AsyncSession, rule_id: str, rule: PolicyRule | None, *, known: bool, now: datetime, new_id: NewId
) -> None:
    if not rule_id or len(rule_id) > _LONGEST_ID or not is_storable(rule_id):
        raise NotFound
    _, rules = await load_rules(session, scope_of(session))
    published = {one.id: one for one in rules}
    draft = await repository.find_draft(session, lock=True)
    edited = {} if draft is None else draft.edits
    if known and edited.get(rule_id, published.get(rule_id)) is None:
        raise NotFound
    draft = draft or await _open(session, now=now, new_id=new_id)
    before = published.get(rule_id)
    if (before is None and rule is None) or (before is not None and rule is not None and same_rule(before, rule)):
        await repository.delete_edits(session, draft.id, rule_id)
    else:
        await repository.put_edit(session, draft.id, rule_id, rule)
    data = {"rule": rule_id, "edit": "removed" if rule is None else "changed" if known else "added"}
    await _record(session, draft, data | ({} if rule is None else {"fields": rule_fields(rule)}), now=now)


async def _open(session: AsyncSession, *, now: datetime, new_id: NewId) -> Draft:
    await repository.insert_draft(session, new_id(), now=now)
    notify(session, POLICY_DRAFTED, topic="draft", path="/policy/draft", at=now)
    draft = await repository.find_draft(session, lock=True)
    if draft is None:
        raise LookupError("no draft is open after one was opened")
    return draft


async def _record(
    session: AsyncSession, draft: Draft, data: dict[str, object], *, restores: int | None = None, now: datetime
) -> None:
    await repository.record_editor(session, draft.id, restores=restores, now=now)
    append_audit(session, action=PolicyDraftAction.DRAFT_EDITED, subject=f"policy_draft:{draft.id}", data=data, at=now)
