"""Parts of this slice."""

from collections.abc import Sequence
from typing import Any, Final

import tenants.identity_providers.models
from foundation.outbound.dns_txt import DnsLookup
from foundation.rooms import AppServices, Slice, build_from
from tenants.auth.services import AuthServices
from tenants.identity_providers.audit_actions import SingleSignOnAction
from tenants.single_sign_on.commands import COMMANDS
from tenants.single_sign_on.discovery import ProviderCache
from tenants.single_sign_on.pages import build_single_sign_on_pages
from tenants.single_sign_on.provider_settings import SEALED_CLIENT_SECRET
from tenants.single_sign_on.routes import build_single_sign_on_routes
from tenants.single_sign_on.service import SingleSignOn
from tenants.single_sign_on.sign_in.pages import build_sign_in_pages


def _services(services: AppServices) -> Sequence[object]:
    sso = SingleSignOn(
        auth=services.get(AuthServices),
        vault=services.vault,
        cache=ProviderCache(services.outbound, services.clock),
        lookup=services.get(DnsLookup),
        new_id=services.new_id,
    )
    return (sso,)


def _build_pages(sso: SingleSignOn) -> Sequence[Any]:
    return (*build_sign_in_pages(sso), *build_single_sign_on_pages(sso))


SLICE: Final = Slice(
    models=(tenants.identity_providers.models,),
    services=_services,
    routes=build_from(SingleSignOn, build_single_sign_on_routes),
    pages=build_from(SingleSignOn, _build_pages),
    audit_actions=(SingleSignOnAction,),
    sealed_columns=(SEALED_CLIENT_SECRET,),
    commands=COMMANDS,
)
