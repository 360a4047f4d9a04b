"""API of single sign-on. Without a client in the path, of the MSP account."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.params import FromPath, JSONBody

from foundation.errors import NotFound
from foundation.marks import N_
from foundation.web.api import delete, post, put
from foundation.web.etags import GuardedOperation, read_etag, tagged
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.identity_providers.queries import find_provider
from tenants.permissions import TenantPermission
from tenants.single_sign_on import provider_settings
from tenants.single_sign_on.check import check_provider
from tenants.single_sign_on.provider_settings import ProviderInput, list_domains
from tenants.single_sign_on.schemas import ProviderCheck, ProviderView, SignInDomainView, domain_view, provider_view
from tenants.single_sign_on.service import SingleSignOn
from tenants.single_sign_on.version import provider_version, require_provider_version
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of

AnyRequest = Request[Any, Any, Any]
_ROOT: Final = ["/api/v1/single-sign-on", "/api/v1/clients/{client:str}/single-sign-on"]
_DOMAIN: Final = [f"{path}/domains/{{domain:str}}" for path in _ROOT]
_READ: Final = {"permission": TenantPermission.READ_MEMBERS}
_WRITE: Final = {"permission": TenantPermission.WRITE_SIGN_IN_RULES} | STEP_UP
_IDENTITY: Final = [
    "/api/v1/members/{member_id:uuid}/external-identity",
    "/api/v1/clients/{client:str}/members/{member_id:uuid}/external-identity",
]
_TAGS: Final = ["single sign-on"]


def build_single_sign_on_routes(sso: SingleSignOn) -> tuple[Any, ...]:
    return (*_build_provider(sso), *_build_domains(sso), unlink_member)


def _build_provider(sso: SingleSignOn) -> tuple[Any, ...]:
    @get(_ROOT, opt=_READ, tags=_TAGS)
    async def show_single_sign_on(request: AnyRequest, access: OpenAccess) -> Response[ProviderView]:
        """Show the account's identity provider and its domains. 404 if it has none. `ETag` has the version of its
        settings.
        """
        return await _view(request, access)

    @put(_ROOT, opt=_WRITE, tags=_TAGS, status_code=200, operation_class=GuardedOperation)
    async def set_single_sign_on(
        request: AnyRequest, access: OpenAccess, data: JSONBody[ProviderInput]
    ) -> Response[ProviderView]:
        """Set the account's identity provider. With another issuer, its domains have to be verified again, and its
        members are linked again at their next sign-in. The secret is stored encrypted and never shown.
        """
        await require_provider_version(access.session, read_etag(request))
        index = await sso.auth.policies.index_for(access.session, access.scope)
        await provider_settings.set_provider(
            access.session, sso.vault, access.principal, data, index=index, now=access.now
        )
        sso.cache.forget(access.scope.tenant_id)
        return await _view(request, access)

    @delete(_ROOT, opt=_WRITE, tags=_TAGS, operation_class=GuardedOperation)
    async def remove_single_sign_on(request: AnyRequest, access: OpenAccess) -> None:
        """Remove the account's identity provider. Its members sign in by their passwords from now on."""
        await require_provider_version(access.session, read_etag(request))
        await provider_settings.remove_provider(access.session, now=access.now)
        sso.cache.forget(access.scope.tenant_id)

    @post([f"{path}/check" for path in _ROOT], opt=_WRITE, tags=_TAGS, status_code=200)
    async def check_single_sign_on(access: OpenAccess) -> ProviderCheck:
        """Read the provider's metadata and keys now. A complete sign-in can be tried on the page only."""
        return await check_provider(access.session, sso.cache)

    return (show_single_sign_on, set_single_sign_on, remove_single_sign_on, check_single_sign_on)


def _build_domains(sso: SingleSignOn) -> tuple[Any, ...]:
    @put(_DOMAIN, opt=_WRITE, tags=_TAGS, status_code=200)
    async def add_sign_in_domain(access: OpenAccess, domain: FromPath[str]) -> SignInDomainView:
        """Add a domain for whose addresses the provider may vouch. The answer has the DNS record that proves it."""
        return domain_view(await provider_settings.add_domain(access.session, domain, now=access.now))

    @post([f"{path}/verification" for path in _DOMAIN], opt=_WRITE, tags=_TAGS, status_code=200)
    async def verify_sign_in_domain(access: OpenAccess, domain: FromPath[str]) -> SignInDomainView:
        """Look for the domain's DNS record. `verified_at` is set if the record is found."""
        return domain_view(await provider_settings.verify_domain(access.session, sso.lookup, domain, now=access.now))

    @delete(_DOMAIN, opt=_WRITE, tags=_TAGS)
    async def remove_sign_in_domain(access: OpenAccess, domain: FromPath[str]) -> None:
        """Remove a domain. Members with its addresses who are linked already stay linked."""
        await provider_settings.remove_domain(access.session, domain, now=access.now)

    return (add_sign_in_domain, verify_sign_in_domain, remove_sign_in_domain)


@delete(_IDENTITY, opt=_WRITE, tags=_TAGS)
async def unlink_member(access: OpenAccess, member_id: FromPath[UUID]) -> None:
    """Unlink a member from the identity provider. Their next sign-in by it is matched by the e-mail address again."""
    await provider_settings.unlink_member(access.session, member_id, now=access.now)


async def _view(request: AnyRequest, access: Access) -> Response[ProviderView]:
    provider = await find_provider(access.session)
    if provider is None:
        raise NotFound(N_("No identity provider is set."))
    view = provider_view(provider, await list_domains(access.session), portal_of(request, access.brand).origin)
    return tagged(view, provider_version(provider))
