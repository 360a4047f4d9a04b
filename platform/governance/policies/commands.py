"""`fairlead policy`: rules, drafts, replays and versions of a client's policy."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_with_services
from foundation.errors import InvalidInput
from foundation.ids import new_id
from foundation.rooms import AppServices, CliCommand
from governance.inputs import read_local_time
from governance.policies import drafts
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
from governance.policies.schemas import DraftView, ReplayView, RuleDifferenceView, RuleView
from governance.policies.states import ReplayState
from governance.services import GovernanceServices
from policy.approvers import MOST_APPROVALS
from policy.rule_form import RuleForm, RuleOrigin, RuleOutcome
from policy.terms import Membership, Term, TermComparison, TermKind
from tenants.command_options import CLIENT, CLIENT_OR_MSP, MSP

_POLL_SECONDS: Final = 0.5
_WORDS: Final = 3
Act = Callable[[AsyncSession, GovernanceServices], Awaitable[CommandResult]]


@click.group(cls=NounGroup)
def policy() -> None:
    """Rules that pass, refuse or send changes for approval; drafted, replayed and published.

    Without --client they are the MSP's own, which its clients inherit.
    """


def _in_scope(msp_id: UUID, tenant_id: UUID | None, act: Act) -> None:
    async def run(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            return await act(session, services.get(GovernanceServices))

    run_with_services(run)


@policy.command("show")
@MSP
@CLIENT_OR_MSP
@click.option("--casbin", is_flag=True, help="Also print each rule as a line of Casbin policy.")
def show(*, msp_id: UUID, tenant_id: UUID | None, casbin: bool) -> None:
    """Show the published rules."""

    async def act(session: AsyncSession, _: GovernanceServices) -> CommandResult:
        found = await read_policy(session)
        lines = [
            f"version {found.version}",
            *(_line(rule, casbin=casbin) for rule in found.rules),
            *found.permissions,
            *found.kept,
        ]
        return CommandResult("\n".join(lines), found)

    _in_scope(msp_id, tenant_id, act)


@policy.command("versions")
@MSP
@CLIENT_OR_MSP
def versions(*, msp_id: UUID, tenant_id: UUID) -> None:
    """List published versions, the newest first."""

    async def act(session: AsyncSession, _: GovernanceServices) -> CommandResult:
        found = await list_published(session)
        lines = [
            f"{one.version}  {one.published_at:%Y-%m-%d %H:%M}  {len(one.differences)} differences" for one in found
        ]
        return CommandResult("\n".join(lines) or "No version is published.", found)

    _in_scope(msp_id, tenant_id, act)


@policy.command("put-rule")
@MSP
@CLIENT_OR_MSP
@click.option("--element", required=True, help="Element, such as price.list.")
@click.option(
    "--outcome",
    type=click.Choice([one.value for one in RuleOutcome]),
    required=True,
    help="What becomes of such a change: it passes, needs approval or is refused; no_… lifts what other rules say;"
    " show hides the values from all roles but --role.",
)
@click.option(
    "--origin",
    type=click.Choice([one.value for one in RuleOrigin]),
    default="*",
    show_default=True,
    help="Where the change comes from.",
)
@click.option(
    "--when",
    "terms",
    multiple=True,
    help="Condition, such as 'change_percent more_than 5', 'jurisdiction any_of EU,CH' or below_cost; repeatable.",
)
@click.option("--reason", default="", help="What people who are affected read; by default the conditions.")
@click.option("--approver", default="", help="Role whose members must approve; by default any that may.")
@click.option(
    "--approvals", type=click.IntRange(1, MOST_APPROVALS), default=1, show_default=True, help="How many must approve."
)
@click.option("--role", default="", help="With the outcome show: the role that sees the values; others do not.")
@click.option("--locked", is_flag=True, help="Of an MSP's rule: clients cannot replace it.")
@click.option("--rule", "rule_id", default="", help="Id of the rule to change; without it, one is added.")
def put_rule(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    tenant_id: UUID | None,
    element: str,
    outcome: str,
    origin: str,
    terms: tuple[str, ...],
    reason: str,
    approver: str,
    approvals: int,
    role: str,
    locked: bool,
    rule_id: str,
) -> None:
    """Add a rule to the draft, or change one. Opens a draft when none is open."""

    async def act(session: AsyncSession, _: GovernanceServices) -> CommandResult:
        form = RuleForm(
            element=element, outcome=RuleOutcome.of(outcome), origin=RuleOrigin.of(origin),
            terms=tuple(map(parse_term, terms)), reason=reason, approver=approver, approvals=approvals, role=role,
            locked=locked,
        )  # fmt: skip
        rule = await drafts.put_rule(session, form, rule_id=rule_id, now=utc_now(), new_id=new_id)
        [view] = await write_rules(session, [rule])
        return CommandResult(_line(view), view)

    _in_scope(msp_id, tenant_id, act)


@policy.command("remove-rule")
@MSP
@CLIENT_OR_MSP
@click.option("--rule", "rule_id", required=True, help="Id of the rule.")
def remove_rule(*, msp_id: UUID, tenant_id: UUID | None, rule_id: str) -> None:
    """Remove a rule in the draft."""

    async def act(session: AsyncSession, _: GovernanceServices) -> CommandResult:
        await drafts.remove_rule(session, rule_id, now=utc_now(), new_id=new_id)
        return await _show_draft(session)

    _in_scope(msp_id, tenant_id, act)


@policy.command("revert-rule")
@MSP
@CLIENT_OR_MSP
@click.option("--rule", "rule_id", required=True, help="Id of the rule.")
def revert_rule(*, msp_id: UUID, tenant_id: UUID | None, rule_id: str) -> None:
    """Take the edit of a rule out of the draft."""

    async def act(session: AsyncSession, _: GovernanceServices) -> CommandResult:
        await drafts.revert_rule(session, rule_id, now=utc_now())
        return await _show_draft(session)

    _in_scope(msp_id, tenant_id, act)


@policy.command("inherit-rule")
@MSP
@CLIENT
@click.option("--rule", "rule_id", required=True, help="Id of the rule.")
def inherit_rule(*, msp_id: UUID, tenant_id: UUID, rule_id: str) -> None:
    """Draft the MSP's rule again, in place of the client's own with its id."""

    async def act(session: AsyncSession, _: GovernanceServices) -> CommandResult:
        await drafts.inherit_rule(session, rule_id, now=utc_now(), new_id=new_id)
        return await _show_draft(session)

    _in_scope(msp_id, tenant_id, act)


@policy.command("draft")
@MSP
@CLIENT_OR_MSP
def draft(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Show the open draft: its differences to the published rules, and its replays."""

    async def act(session: AsyncSession, _: GovernanceServices) -> CommandResult:
        return await _show_draft(session)

    _in_scope(msp_id, tenant_id, act)


@policy.command("restore")
@MSP
@CLIENT_OR_MSP
@click.option("--version", type=click.IntRange(min=1), required=True, help="Version whose rules to draft.")
def restore(*, msp_id: UUID, tenant_id: UUID | None, version: int) -> None:
    """Draft the rules of an earlier version. Publish the draft to roll back."""

    async def act(session: AsyncSession, _: GovernanceServices) -> CommandResult:
        await drafts.restore_version(session, version, now=utc_now(), new_id=new_id)
        return await _show_draft(session)

    _in_scope(msp_id, tenant_id, act)


@policy.command("discard")
@MSP
@CLIENT_OR_MSP
def discard(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Discard the open draft."""

    async def act(session: AsyncSession, _: GovernanceServices) -> CommandResult:
        await drafts.discard_draft(session, now=utc_now())
        return CommandResult("The draft is discarded.", {})

    _in_scope(msp_id, tenant_id, act)


@policy.command("publish")
@MSP
@CLIENT_OR_MSP
@click.option("--revision", type=int, required=True, help="Revision of the draft that `policy draft` showed.")
@click.option("--at", default="", help="When it comes into force, such as 2026-11-27T00:00+01:00; by default at once.")
def publish(*, msp_id: UUID, tenant_id: UUID | None, revision: int, at: str) -> None:
    """Publish the draft, now or at a later time, unless the operator has edited it."""

    async def act(session: AsyncSession, services: GovernanceServices) -> CommandResult:
        if at:
            when = read_local_time(at, "at")
            draft_id = await schedule_publication(session, revision=revision, publish_at=when, now=utc_now())
            return CommandResult(f"Scheduled for {when.isoformat()}: {draft_id}", {"id": draft_id})
        version = await publish_draft(session, services, revision=revision, now=utc_now())
        return CommandResult(f"Version {version} is published.", {"version": version})

    _in_scope(msp_id, tenant_id, act)


@policy.command("scheduled")
@MSP
@CLIENT_OR_MSP
def scheduled(*, msp_id: UUID, tenant_id: UUID) -> None:
    """List the versions that come into force at a later time."""

    async def act(session: AsyncSession, _: GovernanceServices) -> CommandResult:
        found = await read_scheduled(session)
        lines = [f"{one.id}  {one.publish_at.isoformat()}  {one.failure or one.state}" for one in found]
        return CommandResult("\n".join(lines) or "No version is scheduled.", found)

    _in_scope(msp_id, tenant_id, act)


@policy.command("withdraw")
@MSP
@CLIENT_OR_MSP
@click.option("--scheduled", "draft_id", type=click.UUID, required=True, help="Id that `policy scheduled` lists.")
def withdraw(*, msp_id: UUID, tenant_id: UUID | None, draft_id: UUID) -> None:
    """Withdraw a scheduled version. Its edits are a draft again, unless another draft is open."""

    async def act(session: AsyncSession, _: GovernanceServices) -> CommandResult:
        state = await withdraw_scheduled(session, draft_id, now=utc_now())
        return CommandResult(f"The version is {state.value}.", {"state": state.value})

    _in_scope(msp_id, tenant_id, act)


@policy.command("replay")
@MSP
@CLIENT
@click.option("--days", type=click.IntRange(1, 365), default=30, show_default=True, help="Days of recorded changes.")
@click.option("--scheduled", type=click.UUID, help="Id that `policy scheduled` lists; without it, the open draft.")
@click.option("--wait", default=60.0, show_default=True, help="Seconds to wait for the result.")
def replay(*, msp_id: UUID, tenant_id: UUID, days: int, scheduled: UUID | None, wait: float) -> None:
    """Replay recorded changes by the draft, or by a scheduled version. Workers do this; nothing is changed."""
    scope = operator_scope(msp_id, tenant_id)

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(scope) as session:
            replay_id = await start_replay(
                session, services.get(GovernanceServices), days=days, scheduled=scheduled, now=utc_now()
            )
        deadline = time.monotonic() + wait
        while True:
            async with services.db.transaction(scope) as session:
                found = await read_replay(session, replay_id)
            if found.state != ReplayState.RUNNING or time.monotonic() >= deadline:
                return CommandResult(describe_replay(found), found)
            await asyncio.sleep(_POLL_SECONDS)

    run_with_services(act)


def parse_term(text: str) -> Term:
    """A condition as typed: `KIND`, `direction up`, `KIND COMPARISON VALUE[,VALUE…]`. Raises InvalidInput."""
    kind, *rest = text.split(maxsplit=_WORDS - 1) or [""]
    if kind not in set(TermKind):
        raise InvalidInput(f"There is no condition “{kind}”. Use one of: {', '.join(TermKind)}.", field="when")
    if not rest:
        return Term(kind)
    comparison = rest.pop(0) if rest[0] in {*TermComparison, *Membership} else ""
    value = " ".join(rest)
    many = comparison in set(Membership)
    return Term(kind, comparison, tuple(part.strip() for part in value.split(",")) if many else (value,))


async def _show_draft(session: AsyncSession) -> CommandResult:
    found = await read_draft(session, session.info["scope"].actor, may_publish=True)
    return CommandResult(describe_draft(found), found)


def describe_draft(found: DraftView) -> str:
    head = f"revision {found.revision} on version {found.policy_version}, edited by {', '.join(found.editors)}"
    return "\n".join(
        [head, *map(_difference, found.differences), *(f"  {describe_replay(one)}" for one in found.replays)]
    )


def _difference(one: RuleDifferenceView) -> str:
    before, after = (one.rule_id if rule is None else rule.sentence for rule in (one.before, one.after))
    return {"added": f"+ {after}", "removed": f"- {before}"}.get(one.kind, f"~ {before}\n  {after}")


def describe_replay(found: ReplayView) -> str:
    return (
        f"replay {found.id}: {found.state}; {found.replayed} of {found.total} changes of {found.days} days;"
        f" {found.differing} go another way; automatic {found.published.auto} → {found.draft.auto},"
        f" approval {found.published.review} → {found.draft.review},"
        f" refused {found.published.refuse} → {found.draft.refuse}"
    )


def _line(rule: RuleView, *, casbin: bool = False) -> str:
    return f"{rule.id}  {rule.sentence}" + (f"\n    {rule.casbin}" if casbin else "")


COMMANDS: Final = (CliCommand(command=policy),)
