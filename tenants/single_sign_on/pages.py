"""Page of an account's identity provider: its settings, its domains, a check and a trial."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from branding.domain_claims import record_name
from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.etags import version_in
from foundation.web.render import HEADERS, redirect_to, render_page
from policy.role_labels import role_label
from policy.role_repository import role_names
from tenants.access import Access
from tenants.auth.pages import SSO_PATH
from tenants.auth.step_up import STEP_UP
from tenants.identity_providers.models import IdentityProvider
from tenants.identity_providers.queries import find_provider
from tenants.identity_providers.states import SingleSignOnMode
from tenants.members.change_member import PARTNER, assignable_roles
from tenants.permissions import TenantPermission
from tenants.single_sign_on import provider_settings
from tenants.single_sign_on.check import check_provider
from tenants.single_sign_on.provider_settings import GroupRole, ProviderInput, list_domains
from tenants.single_sign_on.schemas import ProviderCheck, redirect_uri
from tenants.single_sign_on.service import SingleSignOn
from tenants.single_sign_on.trial import TrialTicket, allow_trial, find_result
from tenants.single_sign_on.version import provider_version, require_provider_version
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of

AnyRequest = Request[Any, Any, Any]
_PATH: Final = "/members/single-sign-on"
_ROOT: Final = [_PATH, f"/clients/{{client:str}}{_PATH}"]
_DOMAIN: Final = [f"{path}/domains/{{domain:str}}" for path in _ROOT]
_MEMBER: Final = ["/members/{member_id:uuid}", "/clients/{client:str}/members/{member_id:uuid}"]
_READ: Final = {"permission": TenantPermission.READ_MEMBERS}
_WRITE: Final = {"permission": TenantPermission.WRITE_SIGN_IN_RULES} | STEP_UP
_TEXTS: Final = ("name", "issuer", "client_id", "mode", "default_role", "groups_claim", "group_roles")
_BOXES: Final = ("creates_members", "checks_factors")
_FIELDS: Final = (*_TEXTS, "client_secret", "domain")
_LONGEST: Final = {"name": 120, "issuer": 500, "client_id": 500, "client_secret": 500, "groups_claim": 200}
_MOST_GROUPS: Final = 200
_RESULTS: Final[Mapping[str, tuple[str, str]]] = {
    "": ("ok", N_("Verified")),
    "unchecked": ("neutral", N_("Not checked yet")),
    "missing": ("warn", N_("Record not found")),
    "different": ("bad", N_("Record has another value")),
    "unreachable": ("warn", N_("DNS did not answer")),
}
"""Kind of badge and label by the result of a domain's last check."""


def build_single_sign_on_pages(sso: SingleSignOn) -> tuple[HTTPRouteHandler, ...]:
    return (*_build_provider(sso), *_build_domains(sso), *_build_trial(sso), unlink_member_page)


def _build_provider(sso: SingleSignOn) -> tuple[HTTPRouteHandler, ...]:
    @get(_ROOT, name="single_sign_on_settings", opt=_READ, include_in_schema=False)
    async def show_single_sign_on_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        return await _page(request, access, sso)

    @post(_ROOT, opt=_WRITE, include_in_schema=False)
    async def set_single_sign_on_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        form = await request.form()
        typed: dict[str, Any] = {name: str(form.get(name, "")).strip() for name in (*_TEXTS, "client_secret")}
        typed |= {name: name in form for name in _BOXES} | {"version": version_in(form)}
        refusal = await run_action(access.session, _set(access, sso, typed))
        if refusal is not None:
            return await _page(request, access, sso, typed=typed, refusal=refusal)
        sso.cache.forget(access.scope.tenant_id)
        return redirect_to(access, _PATH, done=translate("Saved"))

    @post([f"{path}/remove" for path in _ROOT], opt=_WRITE, include_in_schema=False)
    async def remove_single_sign_on_page(access: OpenAccess) -> Response[Any]:
        await provider_settings.remove_provider(access.session, now=access.now)
        sso.cache.forget(access.scope.tenant_id)
        return redirect_to(access, _PATH, done=translate("Identity provider removed"))

    @post([f"{path}/check" for path in _ROOT], opt=_WRITE, include_in_schema=False)
    async def check_single_sign_on_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        checked: list[ProviderCheck] = []

        async def check() -> None:
            checked.append(await check_provider(access.session, sso.cache))

        refusal = await run_action(access.session, check())
        return await _page(request, access, sso, refusal=refusal, check=checked[0] if checked else None)

    return (show_single_sign_on_page, set_single_sign_on_page, remove_single_sign_on_page, check_single_sign_on_page)


def _build_domains(sso: SingleSignOn) -> tuple[HTTPRouteHandler, ...]:
    @post([f"{path}/domains" for path in _ROOT], opt=_WRITE, include_in_schema=False)
    async def add_sign_in_domain_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        domain = str((await request.form()).get("domain", "")).strip()
        adding = provider_settings.add_domain(access.session, domain, now=access.now)
        refusal = await run_action(access.session, adding)
        if refusal is not None:
            return await _page(request, access, sso, refusal=refusal, typed_domain=domain)
        return redirect_to(access, f"{_PATH}#domains", done=translate("Add the record, then check it"))

    @post([f"{path}/verify" for path in _DOMAIN], opt=_WRITE, include_in_schema=False)
    async def verify_sign_in_domain_page(
        request: AnyRequest, access: OpenAccess, domain: FromPath[str]
    ) -> Response[Any]:
        checking = provider_settings.verify_domain(access.session, sso.lookup, domain, now=access.now)
        refusal = await run_action(access.session, checking)
        if refusal is not None:
            return await _page(request, access, sso, refusal=refusal)
        return redirect_to(access, f"{_PATH}#domains", done=translate("Checked"))

    @post([f"{path}/remove" for path in _DOMAIN], opt=_WRITE, include_in_schema=False)
    async def remove_sign_in_domain_page(access: OpenAccess, domain: FromPath[str]) -> Response[Any]:
        await provider_settings.remove_domain(access.session, domain, now=access.now)
        return redirect_to(access, f"{_PATH}#domains", done=translate("Domain removed"))

    return (add_sign_in_domain_page, verify_sign_in_domain_page, remove_sign_in_domain_page)


def _build_trial(sso: SingleSignOn) -> tuple[HTTPRouteHandler, ...]:
    @get([f"{path}/try" for path in _ROOT], name="try_single_sign_on", opt=_WRITE, include_in_schema=False)
    async def try_single_sign_on_page(access: OpenAccess) -> Response[Any]:
        """Redirect to the public page that begins the trial: no transaction may wait for another system."""
        account_id = access.scope.tenant_id
        ticket = TrialTicket(account_id, access.principal.id, f"{access.root}{_PATH}")
        query = urlencode({"trial": await allow_trial(sso, access.scope.msp_id, ticket)})
        return Redirect(f"{SSO_PATH}/{account_id}/start?{query}", status_code=303, headers=dict(HEADERS))

    return (try_single_sign_on_page,)


@post([f"{path}/external-identity/remove" for path in _MEMBER], opt=_WRITE, include_in_schema=False)
async def unlink_member_page(access: OpenAccess, member_id: FromPath[UUID]) -> Response[Any]:
    await provider_settings.unlink_member(access.session, member_id, now=access.now)
    return redirect_to(access, f"/members/{member_id}", done=translate("Unlinked"))


async def _set(access: Access, sso: SingleSignOn, typed: Mapping[str, Any]) -> None:
    """Raises: InvalidInput."""
    for name, longest in _LONGEST.items():
        if len(typed[name]) > longest:
            raise InvalidInput(N_("This is longer than {most} characters."), params={"most": longest}, field=name)
    if typed["mode"] not in list(SingleSignOnMode):
        raise InvalidInput(N_("Choose who signs in by the provider."), field="mode")
    wanted = ProviderInput(
        name=typed["name"], issuer=typed["issuer"], client_id=typed["client_id"],
        client_secret=typed["client_secret"] or None, mode=SingleSignOnMode.of(typed["mode"]),
        creates_members=typed["creates_members"], default_role=typed["default_role"],
        groups_claim=typed["groups_claim"] or "groups", group_roles=list(_read_groups(typed["group_roles"])),
        checks_factors=typed["checks_factors"],
    )  # fmt: skip
    await require_provider_version(access.session, typed["version"])
    index = await sso.auth.policies.index_for(access.session, access.scope)
    await provider_settings.set_provider(
        access.session, sso.vault, access.principal, wanted, index=index, now=access.now
    )


def _read_groups(typed: str) -> Iterator[GroupRole]:
    """Lines of the form `group = role`. Raises: InvalidInput."""
    lines = [line for line in typed.splitlines() if line.strip()]
    for line in lines:
        group, equals, role = (part.strip() for part in line.rpartition("="))
        if not (equals and group and role) or len(group) > _MOST_GROUPS or len(lines) > _MOST_GROUPS:
            raise InvalidInput(N_("Write one group per line, as group = role."), field="group_roles")
        yield GroupRole(group, role)


async def _page(  # noqa: PLR0913 - keyword-only
    request: AnyRequest, access: Access, sso: SingleSignOn, *, typed: Mapping[str, Any] | None = None,
    refusal: DomainError | None = None, check: ProviderCheck | None = None, typed_domain: str = "",
) -> Response[Any]:  # fmt: skip
    provider = await find_provider(access.session)
    index = await sso.auth.policies.index_for(access.session, access.scope)
    names = await role_names(access.session)
    roles = sorted(assignable_roles(access.principal, index, access.scope) - {PARTNER})
    tried = request.query_params.get("tried", "")
    field = str(refusal.extra.get("field", "")) if refusal else ""
    field = "domain" if field == "host" else field
    context = {
        "provider": provider,
        "typed": dict(typed) if typed is not None else _shown(provider),
        "version": (typed or {}).get("version") or provider_version(provider),
        "callback": redirect_uri(access.scope.tenant_id, portal_of(request, access.brand).origin),
        "modes": [(mode.value, translate(mode.label)) for mode in SingleSignOnMode],
        "roles": [("", translate("None")), *((role, role_label(role, names)) for role in roles)],
        "role_codes": ", ".join(roles),
        "domains": await list_domains(access.session),
        "record_name": record_name,
        "results": _RESULTS,
        "typed_domain": typed_domain,
        "check": check,
        "trial": await find_result(sso, access.scope.msp_id, access.scope.tenant_id, tried),
        "errors": dict.fromkeys(_FIELDS, "") | ({field: refusal.detail} if refusal and field else {}),
        "summary": [(field, refusal.detail)] if refusal and field else [],
        "problem": refusal.detail if refusal and not field else "",
    }
    title = translate("Single sign-on")
    return render_page(access, "tenants/single_sign_on_settings.html", title, context, refusal=refusal)


def _shown(provider: IdentityProvider | None) -> dict[str, Any]:
    if provider is None:
        blank: dict[str, Any] = dict.fromkeys(_TEXTS, "") | dict.fromkeys(_BOXES, False)
        return blank | {"mode": SingleSignOnMode.OFF.value, "groups_claim": "groups"}
    shown = {name: getattr(provider, name) for name in (*_TEXTS, *_BOXES)}
    return shown | {"group_roles": "\n".join(f"{one['group']} = {one['role']}" for one in provider.group_roles)}
