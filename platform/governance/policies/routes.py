"""The API of the policy: published rules, the draft, replays and versions."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from foundation.web.api import post
from governance.policies import drafts, repository
from governance.policies.lists import POLICY_OVERRIDES, REPLAY_DIFFERENCES
from governance.policies.publish_draft import publish_draft
from governance.policies.queries import (
    list_published,
    read_draft,
    read_policy,
    read_replay,
    read_scheduled,
    write_rules,
)
from governance.policies.replay_job import start_replay
from governance.policies.schedule import schedule_publication, withdraw_scheduled
from governance.policies.schemas import (
    DraftToPublish,
    DraftToSchedule,
    DraftView,
    PolicyPublished,
    PolicyView,
    PublicationScheduled,
    ReplayStarted,
    ReplayToStart,
    ReplayView,
    RuleInput,
    RuleSaved,
    RuleToEdit,
    ScheduledToWithdraw,
    ScheduledVersionView,
    ScheduleWithdrawn,
    VersionToRestore,
    VersionView,
)
from governance.services import GovernanceServices
from policy.permissions import PolicyPermission
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

READ: Final = {"permission": PolicyPermission.READ_POLICY}
DRAFT: Final = {"permission": PolicyPermission.DRAFT_POLICY}
PUBLISH: Final = {"permission": PolicyPermission.PUBLISH_POLICY} | STEP_UP
_ROOT: Final = "/api/v1/clients/{client:str}/policy"
_ROOTS: Final = (_ROOT, "/api/v1/policy")
"""Paths of a client's policy, and of the MSP's, which its clients inherit. Replays exist for clients only."""
_TAGS: Final = ["policy"]


def _both(path: str) -> list[str]:
    return [f"{root}{path}" for root in _ROOTS]


DIFFERENCE_LIST: Final = list_route(
    REPLAY_DIFFERENCES, f"{_ROOT}/replays/{{replay_id:uuid}}/differences", opt=READ, tags=_TAGS,
    about="List the changes that the draft decides otherwise than the published policy, at most 10,000 of a replay.",
)  # fmt: skip


OVERRIDE_LIST: Final = list_route(
    POLICY_OVERRIDES, "/api/v1/policy/overrides", opt=READ | {"fleet": True}, tags=_TAGS,
    about="List the MSP's rules that its clients replace by their own, or omit.",
)  # fmt: skip


@get(_both(""), opt=READ, tags=_TAGS)
async def show_policy(access: OpenAccess) -> PolicyView:
    """Return the published rules, each as a sentence in the reader's language and as a line of Casbin policy."""
    return await read_policy(access.session)


@get(_both("/versions"), opt=READ, tags=_TAGS)
async def list_policy_versions(access: OpenAccess) -> Sequence[VersionView]:
    """List the newest 50 published versions with their differences."""
    return await list_published(access.session)


@get(_both("/draft"), opt=READ, tags=_TAGS)
async def show_policy_draft(access: OpenAccess) -> DraftView:
    """Return the open draft with its differences to the published rules, and its replays."""
    return await _draft(access)


@get(_both("/scheduled"), opt=READ, tags=_TAGS)
async def list_scheduled_policies(access: OpenAccess) -> Sequence[ScheduledVersionView]:
    """List the versions that come into force later, the earliest first, and those whose publication failed."""
    return await read_scheduled(access.session)


@post(_both("/draft/schedule"), opt=PUBLISH, tags=_TAGS, status_code=200)
async def schedule_policy_draft(access: OpenAccess, data: JSONBody[DraftToSchedule]) -> PublicationScheduled:
    """Schedule the draft, as it was read, to come into force later. Needs a member who has not edited it."""
    draft_id = await schedule_publication(
        access.session, revision=data.revision, publish_at=data.publish_at, now=access.now
    )
    return PublicationScheduled(draft_id, data.publish_at)


@post(_both("/scheduled/withdraw"), opt=PUBLISH, tags=_TAGS, status_code=200)
async def withdraw_scheduled_policy(access: OpenAccess, data: JSONBody[ScheduledToWithdraw]) -> ScheduleWithdrawn:
    """Withdraw a scheduled version. Its edits are a draft again, unless another draft is open."""
    return ScheduleWithdrawn((await withdraw_scheduled(access.session, data.id, now=access.now)).value)


@get(f"{_ROOT}/replays/{{replay_id:uuid}}", opt=READ, tags=_TAGS)
async def show_policy_replay(access: OpenAccess, replay_id: FromPath[UUID]) -> ReplayView:
    """Return the progress and the figures of a replay."""
    return await read_replay(access.session, replay_id)


@post(_both("/draft/revert"), opt=DRAFT, tags=_TAGS, status_code=200)
async def revert_policy_rule(access: OpenAccess, data: JSONBody[RuleToEdit]) -> DraftView:
    """Take the edit of a rule out of the draft."""
    await drafts.revert_rule(access.session, data.rule_id, now=access.now)
    return await _draft(access)


@post(_both("/draft/discard"), opt=DRAFT, tags=_TAGS, status_code=200)
async def discard_policy_draft(access: OpenAccess) -> PolicyView:
    """Discard the open draft. Nothing that is published changes."""
    await drafts.discard_draft(access.session, now=access.now)
    return await read_policy(access.session)


def build_policy_routes(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(_both("/draft/rules"), opt=DRAFT, tags=_TAGS)
    async def save_policy_rule(access: OpenAccess, data: JSONBody[RuleInput]) -> RuleSaved:
        """Add a rule to the draft, or change the one with `rule_id`. Opens a draft when none is open."""
        rule = await drafts.put_rule(
            access.session, data.form, rule_id=data.rule_id, now=access.now, new_id=services.new_id
        )
        draft = await repository.find_draft(access.session)
        [view] = await write_rules(access.session, [rule])
        return RuleSaved(view, 0 if draft is None else draft.revision)

    @post(_both("/draft/remove"), opt=DRAFT, tags=_TAGS, status_code=200)
    async def remove_policy_rule(access: OpenAccess, data: JSONBody[RuleToEdit]) -> DraftView:
        """Remove a rule in the draft. The published rule applies until the draft is published."""
        await drafts.remove_rule(access.session, data.rule_id, now=access.now, new_id=services.new_id)
        return await _draft(access)

    @post(f"{_ROOT}/draft/inherit", opt=DRAFT, tags=_TAGS, status_code=200)
    async def inherit_policy_rule(access: OpenAccess, data: JSONBody[RuleToEdit]) -> DraftView:
        """Draft the MSP's rule again, in place of the one that overrides or omits it."""
        await drafts.inherit_rule(access.session, data.rule_id, now=access.now, new_id=services.new_id)
        return await _draft(access)

    @post(_both("/draft/restore"), opt=DRAFT, tags=_TAGS, status_code=200)
    async def restore_policy_version(access: OpenAccess, data: JSONBody[VersionToRestore]) -> DraftView:
        """Draft the rules of an earlier version in place of every other edit. Publish the draft to roll back."""
        await drafts.restore_version(access.session, data.version, now=access.now, new_id=services.new_id)
        return await _draft(access)

    @post(_both("/draft/publish"), opt=PUBLISH, tags=_TAGS, status_code=200)
    async def publish_policy_draft(access: OpenAccess, data: JSONBody[DraftToPublish]) -> PolicyPublished:
        """Publish the draft as it was read. Needs a member who has not edited it."""
        version = await publish_draft(access.session, services, revision=data.revision, now=access.now)
        return PolicyPublished(version)

    @post(f"{_ROOT}/replays", opt=DRAFT, tags=_TAGS, status_code=202)
    async def start_policy_replay(access: OpenAccess, data: JSONBody[ReplayToStart]) -> ReplayStarted:
        """Start a replay of the recorded changes of the last days by the draft, or by a scheduled version. Nothing is
        changed.
        """
        replay_id = await start_replay(
            access.session, services, days=data.days, scheduled=data.scheduled, now=access.now
        )
        return ReplayStarted(replay_id)

    return (
        show_policy, list_policy_versions, show_policy_draft, show_policy_replay, DIFFERENCE_LIST, OVERRIDE_LIST,
        save_policy_rule,
        remove_policy_rule, inherit_policy_rule, revert_policy_rule, restore_policy_version, discard_policy_draft,
        publish_policy_draft, start_policy_replay, list_scheduled_policies, schedule_policy_draft,
        withdraw_scheduled_policy,
    )  # fmt: skip


async def _draft(access: Access) -> DraftView:
    return await read_draft(
        access.session, access.principal.actor, may_publish=access.may(PolicyPermission.PUBLISH_POLICY)
    )
