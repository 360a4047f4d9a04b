"""Publication of a draft, by a member who did not edit it."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Forbidden, NotFound
from foundation.marks import N_
from foundation.scope import Actor
from governance.policies import repository
from governance.policies.audit_actions import PolicyDraftAction
from governance.policies.elements import is_about_retired, load_elements
from governance.policies.errors import DraftChanged, NothingDrafted, OwnDraft
from governance.policies.inherit_job import request_inheritance
from governance.policies.rows import Draft
from governance.policies.states import DraftState
from governance.services import GovernanceServices
from policy.edits import Edits, apply_edits
from policy.errors import InvalidRule
from policy.history import load_rules
from policy.publishing import publish_rules
from policy.repository import lock_policy


async def publish_draft(session: AsyncSession, services: GovernanceServices, *, revision: int, now: datetime) -> int:
    """Publish the open draft as it was read, at `revision`. Returns the version now in force. A job applies rules that
    an MSP publishes in its own account to its clients.

    Raises:
        NotFound: no draft is open.
        Forbidden: the actor is an API key.
        OwnDraft: the actor has edited the draft, or counts as one of its editors.
        DraftChanged: the draft has been edited since it was read.
        NothingDrafted: its edits are published already.
        InvalidRule: a rule that cannot be published, such as one about a retired element.
    """
    scope = scope_of(session)
    draft = await lock_reviewed(session, revision)
    version = await publish_edits(session, services, draft.edits, now=now)
    await repository.end_draft(session, draft.id, DraftState.PUBLISHED, version=version, now=now)
    data = {"version": version, "edits": len(draft.edits), "editors": list(draft.editors)}
    if scope.tenant_id == scope.msp_id:
        request_inheritance(session)
    append_audit(
        session, action=PolicyDraftAction.DRAFT_PUBLISHED, subject=f"policy_draft:{draft.id}", data=data, at=now
    )
    return version


async def lock_reviewed(session: AsyncSession, revision: int) -> Draft:
    """The open draft, if the actor may publish it at `revision`. Raises: as `publish_draft`."""
    draft = await repository.find_draft(session, lock=True)
    if draft is None:
        raise NotFound
    require_other(draft, scope_of(session).actor)
    if draft.revision != revision:
        raise DraftChanged(N_("Somebody has edited the draft since you opened it. Read it again, then publish."))
    await _refuse_retired(session, draft.edits)
    return draft


async def publish_edits(session: AsyncSession, services: GovernanceServices, edits: Edits, *, now: datetime) -> int:
    """Apply edits to the rules in force, and return the new version. Raises: InvalidRule, NothingDrafted."""
    scope = scope_of(session)
    await _refuse_retired(session, edits)
    await lock_policy(session, scope)
    before, rules = await load_rules(session, scope)
    version = await publish_rules(
        session, scope, rules=apply_edits(rules, edits), clock=lambda: now, new_id=services.new_id,
        packaged=services.policies.packaged,
    )  # fmt: skip
    if version == before:
        raise NothingDrafted(N_("The draft changes nothing: its rules are published already."))
    return version


async def _refuse_retired(session: AsyncSession, edits: Edits) -> None:
    """Raises InvalidRule: a rule names an element that was retired since it was drafted."""
    elements = await load_elements(session)
    for rule in edits.values():
        if rule is not None and is_about_retired(rule, elements):
            raise InvalidRule(
                N_("The rule “{rule}” is about {label}, which is retired. Undo this edit, or remove the rule."),
                params={"rule": rule.id, "label": elements[rule.obj].label},
            )


def require_other(draft: Draft, actor: Actor) -> None:
    """Raises Forbidden, OwnDraft."""
    if actor.kind == "machine":
        raise Forbidden(N_("Only a signed-in member can publish a policy."))
    if is_own(draft, actor):
        raise OwnDraft(
            N_("You edited this draft, or count as one person with somebody who did. Another member must publish it.")
        )


def is_own(draft: Draft, actor: Actor) -> bool:
    """Whether four-eyes rules count the actor as an editor."""
    return not actor.same_identity.isdisjoint(draft.editors)
