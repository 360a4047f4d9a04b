"""Pages of the policy: its rules, the form of a rule, the draft, replays and versions."""

from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, URLEncodedBody

from foundation.errors import DomainError, NotFound
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.fragments import FRAGMENT
from foundation.web.list_view import list_view
from foundation.web.lists import ListInput, ListParameters
from foundation.web.render import redirect_to
from governance.inputs import read_local_time
from governance.labels import write_amount
from governance.policies import drafts
from governance.policies.form import read_fields, without_stale_reason
from governance.policies.form_view import find_rule, rule_context
from governance.policies.lists import POLICY_OVERRIDES, REPLAY_DIFFERENCES, WAYS
from governance.policies.publish_draft import publish_draft
from governance.policies.queries import list_published, read_draft, read_policy, read_replay, read_scheduled
from governance.policies.replay_job import start_replay
from governance.policies.routes import DRAFT, PUBLISH, READ
from governance.policies.schedule import schedule_publication, withdraw_scheduled
from governance.records.titles import load_titles
from governance.services import GovernanceServices
from governance.web.render import render_page
from policy.permissions import PolicyPermission
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
_ROOT: Final = "/clients/{client:str}/policy"
_ROOTS: Final = (_ROOT, "/policy")
_REPLAY: Final = f"{_ROOT}/replays/{{replay_id:uuid}}"
_OVERRIDES: Final = "/policy/overrides"
_FLEET: Final = READ | {"fleet": True}
_USUAL_DAYS: Final = 30


def _both(path: str) -> list[str]:
    return [f"{root}{path}" for root in _ROOTS]


class RuleToAct(msgspec.Struct):
    rule: str


class PublishForm(msgspec.Struct):
    """`publish_at` is a time of the reader's zone, as browsers send it; empty publishes at once."""

    revision: int
    publish_at: str = ""


class ScheduledForm(msgspec.Struct):
    id: UUID


class RestoreForm(msgspec.Struct):
    version: int


class ReplayForm(msgspec.Struct):
    scheduled: UUID | None = None
    days: int = _USUAL_DAYS


@get(_both(""), name="policy", opt=READ, include_in_schema=False)
async def policy_page(access: OpenAccess) -> Response[Any]:
    return await _policy(access)


@get(_both("/draft"), opt=READ, include_in_schema=False)
async def policy_draft_page(access: OpenAccess) -> Response[Any]:
    return await _draft(access)


@get(f"{_ROOT}/draft/progress", opt=READ | FRAGMENT, include_in_schema=False)
async def policy_draft_progress(access: OpenAccess) -> Response[Any]:
    return await _draft(access, template="policy_replays.html")


@get(_both("/versions"), opt=READ, include_in_schema=False)
async def policy_versions_page(access: OpenAccess) -> Response[Any]:
    return await _versions(access)


@get(_OVERRIDES, opt=_FLEET, dependencies=POLICY_OVERRIDES.page_parameters, include_in_schema=False)
async def policy_overrides_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    found = await load_page(access, POLICY_OVERRIDES, listed)
    context = {"listed": list_view(POLICY_OVERRIDES, listed, found, _OVERRIDES)}
    return render_page(access, "policy_overrides.html", translate("Policy"), context, refusal=listed.refusal)


@get(_REPLAY, opt=READ, dependencies=REPLAY_DIFFERENCES.page_parameters, include_in_schema=False)
async def policy_replay_page(access: OpenAccess, replay_id: FromPath[UUID], listed: ListParameters) -> Response[Any]:
    return await _replay(access, replay_id, listed, "policy_replay.html")


@get(
    f"{_REPLAY}/progress", opt=READ | FRAGMENT, dependencies=REPLAY_DIFFERENCES.page_parameters, include_in_schema=False
)
async def policy_replay_progress(
    access: OpenAccess, replay_id: FromPath[UUID], listed: ListParameters
) -> Response[Any]:
    return await _replay(access, replay_id, listed, "policy_replay_result.html")


@post(_both("/draft/revert"), opt=DRAFT, include_in_schema=False)
async def policy_rule_revert(access: OpenAccess, data: URLEncodedBody[RuleToAct]) -> Response[Any]:
    refusal = await run_action(access.session, drafts.revert_rule(access.session, data.rule, now=access.now))
    return await _after(access, refusal, translate("Edit undone"))


@post(_both("/draft/discard"), opt=DRAFT, include_in_schema=False)
async def policy_draft_discard(access: OpenAccess) -> Response[Any]:
    refusal = await run_action(access.session, drafts.discard_draft(access.session, now=access.now))
    if refusal is not None:
        return await _draft(access, refusal)
    return redirect_to(access, "/policy", done=translate("Draft discarded"))


def _rule_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @get(_both("/rule"), opt=DRAFT, include_in_schema=False)
    async def policy_rule_page(
        access: OpenAccess, rule: FromQuery[str] = "", element: FromQuery[str] = ""
    ) -> Response[Any]:
        fields = await find_rule(access.session, rule) if rule else {"element": element}
        context = await rule_context(access.session, services, rule, fields)
        return render_page(access, "policy_rule.html", translate("Rule"), context)

    @post(_both("/rule"), opt=DRAFT, include_in_schema=False)
    async def policy_rule_save(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        fields = {name: str(value) for name, value in (await request.form()).items()}
        rule_id = fields.get("rule", "")

        async def save() -> None:
            form = read_fields(fields)
            if rule_id:
                form = without_stale_reason(form, read_fields(await find_rule(access.session, rule_id)))
            await drafts.put_rule(access.session, form, rule_id=rule_id, now=access.now, new_id=services.new_id)

        refusal = await run_action(access.session, save())
        if refusal is not None:
            context = await rule_context(access.session, services, rule_id, fields)
            return render_page(access, "policy_rule.html", translate("Rule"), context, refusal=refusal)
        return redirect_to(access, "/policy/draft", done=translate("Rule saved in the draft"))

    @post(f"{_ROOT}/draft/inherit", opt=DRAFT, include_in_schema=False)
    async def inherit_policy_rule_page(access: OpenAccess, data: URLEncodedBody[RuleToAct]) -> Response[Any]:
        inherit = drafts.inherit_rule(access.session, data.rule, now=access.now, new_id=services.new_id)
        return await _after(access, await run_action(access.session, inherit), translate("Rule drafted again"))

    @post(_both("/draft/remove"), opt=DRAFT, include_in_schema=False)
    async def policy_rule_remove(access: OpenAccess, data: URLEncodedBody[RuleToAct]) -> Response[Any]:
        remove = drafts.remove_rule(access.session, data.rule, now=access.now, new_id=services.new_id)
        refusal = await run_action(access.session, remove)
        return await _after(access, refusal, translate("Rule removed in the draft"))

    return policy_rule_page, policy_rule_save, policy_rule_remove, inherit_policy_rule_page


def build_policy_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(_both("/draft/restore"), opt=DRAFT, include_in_schema=False)
    async def policy_version_restore(access: OpenAccess, data: URLEncodedBody[RestoreForm]) -> Response[Any]:
        restore = drafts.restore_version(access.session, data.version, now=access.now, new_id=services.new_id)
        refusal = await run_action(access.session, restore)
        if refusal is not None:
            return await _versions(access, refusal)
        return redirect_to(access, "/policy/draft", done=translate("Earlier rules drafted"))

    @post(_both("/draft/publish"), opt=PUBLISH, include_in_schema=False)
    async def policy_draft_publish(access: OpenAccess, data: URLEncodedBody[PublishForm]) -> Response[Any]:
        if data.publish_at:
            return await _schedule(access, data)
        publish = publish_draft(access.session, services, revision=data.revision, now=access.now)
        refusal = await run_action(access.session, publish)
        if refusal is not None:
            return await _draft(access, refusal)
        return redirect_to(access, "/policy", done=translate("Policy published"))

    @post(f"{_ROOT}/replays", opt=DRAFT, include_in_schema=False)
    async def policy_replay_start(access: OpenAccess, data: URLEncodedBody[ReplayForm]) -> Response[Any]:
        start = start_replay(access.session, services, days=data.days, scheduled=data.scheduled, now=access.now)
        refusal = await run_action(access.session, start)
        if data.scheduled is None:
            return await _after(access, refusal, translate("Replay started"))
        if refusal is not None:
            return await _versions(access, refusal)
        return redirect_to(access, "/policy/versions", done=translate("Replay started"))

    return (
        *POLICY_PAGES, *_rule_pages(services), policy_version_restore, policy_draft_publish, policy_replay_start,
    )  # fmt: skip


@post(_both("/scheduled/withdraw"), opt=PUBLISH, include_in_schema=False)
async def policy_scheduled_withdraw(access: OpenAccess, data: URLEncodedBody[ScheduledForm]) -> Response[Any]:
    refusal = await run_action(access.session, withdraw_scheduled(access.session, data.id, now=access.now))
    if refusal is not None:
        return await _versions(access, refusal)
    return redirect_to(access, "/policy/versions", done=translate("Scheduled version withdrawn"))


async def _schedule(access: Access, data: PublishForm) -> Response[Any]:
    async def schedule() -> None:
        at = read_local_time(data.publish_at, "publish_at")
        await schedule_publication(access.session, revision=data.revision, publish_at=at, now=access.now)

    refusal = await run_action(access.session, schedule())
    if refusal is not None:
        return await _draft(access, refusal)
    return redirect_to(access, "/policy/versions", done=translate("Publication scheduled"))


async def _after(access: Access, refusal: DomainError | None, done: str) -> Response[Any]:
    return await _draft(access, refusal) if refusal is not None else redirect_to(access, "/policy/draft", done=done)


async def _policy(access: Access, refusal: DomainError | None = None) -> Response[Any]:
    found = await read_policy(access.session)
    newest = (await list_published(access.session, me=str(access.principal.id), limit=1))[:1]
    context = {
        "policy": found, "newest": newest[0] if newest else None, "quoted": quote,
        "scheduled": await read_scheduled(access.session),
    }  # fmt: skip
    return render_page(access, "policy.html", translate("Policy"), context, refusal=refusal)


async def _draft(
    access: Access, refusal: DomainError | None = None, *, template: str = "policy_draft.html"
) -> Response[Any]:
    try:
        draft = await read_draft(
            access.session, access.principal.actor, may_publish=access.may(PolicyPermission.PUBLISH_POLICY)
        )
    except NotFound:
        draft = None
    context = {"draft": draft, "usual_days": _USUAL_DAYS, "quoted": quote}
    return render_page(access, template, translate("Policy draft"), context, refusal=refusal)


async def _versions(access: Access, refusal: DomainError | None = None) -> Response[Any]:
    found = await list_published(access.session, me=str(access.principal.id))
    context = {
        "versions": found, "scheduled": await read_scheduled(access.session), "usual_days": _USUAL_DAYS,
    }  # fmt: skip
    return render_page(access, "policy_versions.html", translate("Policy versions"), context, refusal=refusal)


async def _replay(access: Access, replay_id: UUID, listed: ListInput, template: str) -> Response[Any]:
    replay = await read_replay(access.session, replay_id)
    found = await load_page(access, REPLAY_DIFFERENCES, listed, replay_id=replay_id)
    address = f"{access.root}/policy/replays/{replay_id}"
    context = {
        "replay": replay,
        "amount": write_amount,
        "ways": {way: translate(label) for way, label in WAYS},
        "titles": await load_titles(access.session, [one.record_key for one in found.items]),
        "listed": list_view(REPLAY_DIFFERENCES, listed, found, address, export=f"{address}/differences"),
    }
    return render_page(access, template, translate("Policy replay"), context, refusal=listed.refusal)


DIFFERENCE_EXPORT: Final = export_page(REPLAY_DIFFERENCES, f"{_REPLAY}/differences", opt=READ)
OVERRIDE_EXPORT: Final = export_page(POLICY_OVERRIDES, _OVERRIDES, opt=_FLEET)
POLICY_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    policy_page, policy_draft_page, policy_draft_progress, policy_versions_page, policy_replay_page,
    policy_overrides_page, OVERRIDE_EXPORT, policy_replay_progress, DIFFERENCE_EXPORT, policy_rule_revert,
    policy_draft_discard, policy_scheduled_withdraw,
)  # fmt: skip
