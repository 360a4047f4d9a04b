"""Queries of the policy, its draft and its versions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import read_value, to_value
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.i18n.localizer import current_localizer
from foundation.i18n.messages import StoredMessage
from foundation.scope import Actor
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from governance.authors import name_authors
from governance.messages.writer import write_message
from governance.policies import replay_repository, repository
from governance.policies.elements import is_about_retired, load_elements
from governance.policies.handling_time import HandlingTime, read_handling_time
from governance.policies.publish_draft import is_own
from governance.policies.replay_view import view_replay
from governance.policies.rows import Draft, ScheduledDraft, is_of_content
from governance.policies.schedule_repository import find_undecided, list_scheduled
from governance.policies.schemas import (
    DraftView,
    OverrideView,
    PolicyView,
    ReplayDifferenceView,
    ReplayView,
    RuleDifferenceView,
    RuleOverride,
    RuleView,
    ScheduledVersionView,
    VersionView,
)
from governance.policies.sentences import RuleWriter, build_writer
from governance.policies.states import DraftState, ReplayState
from policy.casbin_line import casbin_text
from policy.edits import RuleDifference, apply_edits, compare_rules
from policy.history import PublishedVersion, list_versions, load_rules, rules_at, same_rule
from policy.kept import KEPT
from policy.relations import REPLACED_RULES
from policy.rules import PolicyRule, RuleKind, rule_from
from tenants.relations import CLIENTS

VERSIONS: Final = 50
"""Most versions that are listed."""


def governs(rules: Sequence[PolicyRule]) -> list[PolicyRule]:
    return [rule for rule in rules if rule.ptype is RuleKind.GOVERNANCE]


async def read_policy(session: AsyncSession) -> PolicyView:
    """The published policy."""
    version, rules = await load_rules(session, scope_of(session))
    written = await write_rules(session, governs(rules))
    others = [casbin_text(rule) for rule in rules if rule.ptype is RuleKind.PERMISSION]
    omitted = await write_rules(session, [rule.overrides for rule in rules if _omits(rule) and rule.overrides])
    has_draft = await repository.find_draft(session) is not None
    kept = [write_message(one.reason, current_localizer()) for one in KEPT]
    return PolicyView(version, written, others, has_draft=has_draft, omitted=omitted, kept=kept)


def _omits(rule: PolicyRule) -> bool:
    return rule.ptype is RuleKind.OMITTED


async def write_rules(session: AsyncSession, rules: Sequence[PolicyRule]) -> list[RuleView]:
    """Views of the rules by element, in the order of evaluation: refusals first."""
    writer = await build_writer(session, await load_elements(session), rules)
    return sorted(map(writer.write, rules), key=lambda view: (view.element_label, _RANK[view.outcome.split("_")[-1]]))


_RANK: Final = {"refuse": 0, "review": 1, "auto": 2, "show": 3}


async def read_draft(session: AsyncSession, actor: Actor, *, may_publish: bool) -> DraftView:
    """The open draft. `may_publish`: whether the reader's role allows it.

    Raises:
        NotFound: no draft is open.
    """
    draft = await repository.find_draft(session)
    if draft is None:
        raise NotFound
    version, published = await load_rules(session, scope_of(session))
    after = apply_edits(published, draft.edits)
    writer = await build_writer(session, await load_elements(session), [*published, *after])
    return DraftView(
        revision=draft.revision,
        policy_version=version,
        editors=draft.editor_names,
        opened_at=draft.opened_at,
        changed_at=draft.changed_at,
        restores=draft.restores,
        may_publish=may_publish and actor.kind != "machine" and not is_own(draft, actor),
        differences=[_write_difference(one, writer) for one in compare_rules(published, after)],
        rules=await write_rules(session, governs(after)),
        replays=await read_replays(session, draft, version),
        left_out=[] if draft.restores is None else await _left_out(session, draft.restores, after),
    )


async def _left_out(session: AsyncSession, version: int, after: Sequence[PolicyRule]) -> list[RuleView]:
    """Rules of an earlier version that are not restored, because their elements are retired."""
    elements = await load_elements(session)
    drafted = {rule.id: rule for rule in after}
    earlier = [rule for rule in await rules_at(session, scope_of(session), version) if is_about_retired(rule, elements)]
    return await write_rules(
        session, [rule for rule in earlier if rule.id not in drafted or not same_rule(rule, drafted[rule.id])]
    )


async def read_scheduled(session: AsyncSession) -> list[ScheduledVersionView]:
    """Versions that come into force later, the earliest first, and those whose publication failed."""
    found = await list_scheduled(session, [DraftState.SCHEDULED, DraftState.FAILED])
    if not found:
        return []
    version, published = await load_rules(session, scope_of(session))
    edited = [rule for one in found for rule in one.edits.values() if rule is not None]
    writer = await build_writer(session, await load_elements(session), [*published, *edited])
    return [
        ScheduledVersionView(
            id=one.id,
            state=one.state,
            publish_at=one.publish_at,
            editors=one.editor_names,
            scheduled_by=one.scheduled_by_name,
            restores=one.restores,
            failure="" if one.failure is None else _write_failure(one.failure),
            policy_version=version,
            differences=[
                _write_difference(each, writer) for each in compare_rules(published, apply_edits(published, one.edits))
            ],
            replay=await _newest_replay(session, one, version),
        )
        for one in found
    ]


async def _newest_replay(session: AsyncSession, draft: ScheduledDraft, version: int) -> ReplayView | None:
    """The newest replay with the draft's present content that was not stopped."""
    found = [one for one in await replay_repository.list_replays_of(session, draft.id) if is_of_content(one, draft)]
    newest = next((one for one in found if one.state != ReplayState.OUTDATED), None)
    return None if newest is None else view_replay(newest, draft, version, await read_handling_time(session))


def _write_failure(stored: dict[str, Any]) -> str:
    return write_message(msgspec.convert(stored, StoredMessage), current_localizer())


async def read_replays(session: AsyncSession, draft: Draft | ScheduledDraft, version: int) -> list[ReplayView]:
    found = await replay_repository.list_replays_of(session, draft.id)
    handling = await read_handling_time(session) if found else HandlingTime()
    return [view_replay(one, draft, version, handling) for one in found]


async def read_replay(session: AsyncSession, replay_id: UUID) -> ReplayView:
    """Raises NotFound: no such replay in this account."""
    found = await replay_repository.find_replay(session, replay_id)
    if found is None:
        raise NotFound
    version, _ = await load_rules(session, scope_of(session))
    handling = await read_handling_time(session)
    return view_replay(found, await find_undecided(session, found.draft_id), version, handling)


async def list_published(session: AsyncSession, *, me: str = "", limit: int = VERSIONS) -> list[VersionView]:
    """Published versions with their differences, the newest first."""
    found = await list_versions(session, scope_of(session), limit=limit)
    rows = await session.execute(
        text("""
            SELECT version, editor_names, ended_by_name, restores FROM policy_draft
             WHERE tenant_id = :t AND version = ANY (:versions)
        """),
        {"t": scope_of(session).tenant_id, "versions": [one.version for one in found]},
    )
    drafts = {row.version: row for row in rows}
    names = await name_authors(session, [one.author for one in found if one.version not in drafts], me=me)
    differences = {one.version: _differences_of(one) for one in found}
    rules = [rule for each in differences.values() for one in each for rule in (one.before, one.after) if rule]
    writer = await build_writer(session, await load_elements(session), rules)
    return [
        VersionView(
            version=one.version,
            published_at=one.created_at,
            published_by=drafts[one.version].ended_by_name if one.version in drafts else names.get(one.author, ""),
            editors=drafts[one.version].editor_names if one.version in drafts else [],
            restores=drafts[one.version].restores if one.version in drafts else None,
            differences=[_write_difference(each, writer) for each in differences[one.version]],
            inherits=one.diff.get("inherits"),
        )
        for one in found
    ]


def _differences_of(version: PublishedVersion) -> list[RuleDifference]:
    diff = version.diff
    changed = [
        RuleDifference(id_, rule_from(id_, old), rule_from(id_, new)) for id_, (old, new) in diff["changed"].items()
    ]
    removed = [RuleDifference(id_, rule_from(id_, old), None) for id_, old in diff["removed"].items()]
    added = [RuleDifference(id_, None, rule_from(id_, new)) for id_, new in diff["added"].items()]
    return [*changed, *removed, *added]


def _write_difference(one: RuleDifference, writer: RuleWriter) -> RuleDifferenceView:
    before, after = (
        writer.write(rule) if rule is not None and rule.ptype is RuleKind.GOVERNANCE else None
        for rule in (one.before, one.after)
    )
    return RuleDifferenceView(one.kind, one.rule_id, before, after)


async def list_differences(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ReplayDifferenceView]:
    """One page of `policies.lists`: the changes that are decided differently.

    Raises:
        NotFound: no such replay in this account.
    """
    replay_id = query.parents["replay_id"]
    if await replay_repository.find_replay(session, replay_id) is None:
        raise NotFound
    before, _sep, after = query["way"].partition(">")
    source = ListSource(
        columns="d.change_id, d.record_key, d.element, d.dimension, d.record_type, d.old_value, d.new_value,"
        " d.proposed_at, d.before, d.after, d.rule_id, d.reason",
        tables="policy_replay_difference d",
        where="d.tenant_id = :t AND d.replay_id = :r" + (" AND d.before = :b AND d.after = :a" if after else ""),
        binds={"t": scope_of(session).tenant_id, "r": replay_id} | ({"b": before, "a": after} if after else {}),
    )
    return (await read_page(session, source, query)).map(_view_difference)


def _view_difference(row: Row[Any]) -> ReplayDifferenceView:
    message = msgspec.convert(row.reason, StoredMessage)
    return ReplayDifferenceView(
        change_id=row.change_id,
        record_key=row.record_key,
        element=row.element,
        dimension=row.dimension,
        record_type=row.record_type,
        old=to_value(row.old_value),
        new=read_value(row.new_value),
        proposed_at=row.proposed_at,
        before=row.before,
        after=row.after,
        rule_id=row.rule_id,
        reason=write_message(message, current_localizer()),
    )


async def list_overrides(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[OverrideView]:
    """One page of `policies.lists`: the MSP's rules that its clients replace or omit. Needs the fleet's scope."""
    chosen, search = query["override"], query["search"]
    conditions = [
        "r.msp_id = :msp AND r.overrides IS NOT NULL",
        *([f"(r.ptype = '{RuleKind.OMITTED}') = {chosen == RuleOverride.OMITS}"] if chosen else []),
        *(["strpos(lower(c.name), lower(:search)) > 0"] if search else []),
    ]
    source = ListSource(
        columns="c.tenant_id, c.slug, c.name, r.id, r.ptype, r.overrides",
        tables=f"{REPLACED_RULES} r JOIN {CLIENTS} c ON c.tenant_id = r.tenant_id AND c.msp_id = r.msp_id",
        where=" AND ".join(conditions),
        binds={"msp": scope_of(session).msp_id} | ({"search": search} if search else {}),
    )
    # The rules are those of the MSP's account, where no trading partner is named.
    writer = RuleWriter(str(scope_of(session).msp_id), await load_elements(session), {})
    return (await read_page(session, source, query)).map(lambda row: _view_override(row, writer))


def _view_override(row: Row[Any], writer: RuleWriter) -> OverrideView:
    rule = rule_from(row.id, row.overrides)
    return OverrideView(
        tenant_id=row.tenant_id,
        client=row.slug,
        name=row.name,
        rule_id=row.id,
        element=rule.obj,
        sentence=writer.write(rule).sentence,
        override=RuleOverride.OMITS if row.ptype == RuleKind.OMITTED else RuleOverride.REPLACES,
    )
