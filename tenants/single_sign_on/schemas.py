"""Bodies of the API of single sign-on."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from branding.domain_claims import record_name
from tenants.identity_providers.models import IdentityProvider, SignInDomain
from tenants.identity_providers.states import SingleSignOnMode
from tenants.single_sign_on.provider_settings import GroupRole


class SignInDomainView(msgspec.Struct, frozen=True):
    """A domain, and the TXT record that proves it. `result` is that of the last check; empty: the record was found."""

    domain: str
    record_name: str
    record_value: str
    checked_at: datetime | None
    result: str
    verified_at: datetime | None


class ProviderView(msgspec.Struct, frozen=True):
    """The account's identity provider. `redirect_uri` is to be registered there, for each host name of the brand.
    `tested_at` is the latest successful trial of these settings.
    """

    name: str
    issuer: str
    client_id: str
    has_secret: bool
    mode: SingleSignOnMode
    creates_members: bool
    default_role: str
    groups_claim: str
    group_roles: Sequence[GroupRole]
    checks_factors: bool
    set_at: datetime
    set_by: str
    tested_at: datetime | None
    redirect_uri: str
    domains: Sequence[SignInDomainView]


class ProviderCheck(msgspec.Struct, frozen=True):
    """Metadata that the provider publishes. Empty texts: the provider has no such address."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    end_session_endpoint: str
    keys: int


def domain_view(domain: SignInDomain) -> SignInDomainView:
    return SignInDomainView(
        domain=domain.domain,
        record_name=record_name(domain.domain),
        record_value=domain.token,
        checked_at=domain.checked_at,
        result=domain.result,
        verified_at=domain.verified_at,
    )


def provider_view(provider: IdentityProvider, domains: Sequence[SignInDomain], origin: str) -> ProviderView:
    """`origin` is that of the brand's host; empty on the command line, where no host is known."""
    return ProviderView(
        name=provider.name,
        issuer=provider.issuer,
        client_id=provider.client_id,
        has_secret=provider.client_secret is not None,
        mode=SingleSignOnMode.of(provider.mode),
        creates_members=provider.creates_members,
        default_role=provider.default_role,
        groups_claim=provider.groups_claim,
        group_roles=[GroupRole(one["group"], one["role"]) for one in provider.group_roles],
        checks_factors=provider.checks_factors,
        set_at=provider.set_at,
        set_by=provider.set_by,
        tested_at=provider.tested_at,
        redirect_uri=redirect_uri(provider.tenant_id, origin),
        domains=[domain_view(one) for one in domains],
    )


def redirect_uri(account_id: UUID, origin: str) -> str:
    return f"{origin}/sign-in/sso/{account_id}/callback"
