"""Parts of this slice."""

from collections.abc import Sequence
from typing import Final

from foundation.marks import N_
from foundation.rooms import AppServices, MenuSection, NavArea, NavEntry, Slice, WebPart
from tenants.auth.services import AuthServices
from tenants.custom_roles.catalogue import PermissionCatalogue
from tenants.custom_roles.commands import COMMANDS
from tenants.custom_roles.manage import RoleManager
from tenants.custom_roles.pages import ROLE_PAGES
from tenants.custom_roles.routes import ROLE_ROUTES, provide_role_manager
from tenants.permissions import TenantPermission


def _services(services: AppServices) -> Sequence[object]:
    catalogue = PermissionCatalogue(services.rooms)
    return (RoleManager(services.get(AuthServices), catalogue, services.new_id),)


def _web(services: AppServices) -> WebPart:
    return WebPart(dependencies={"role_manager": provide_role_manager(services.get(RoleManager))})


def _entry(area: NavArea) -> NavEntry:
    return NavEntry(
        area=area,
        section=MenuSection.ACCOUNT,
        position=31,
        label=N_("Roles"),
        path="/roles",
        icon="lock",
        permission=TenantPermission.READ_MEMBERS,
    )


SLICE: Final = Slice(
    services=_services,
    routes=ROLE_ROUTES,
    pages=ROLE_PAGES,
    web=_web,
    navigation=(_entry(NavArea.MSP), _entry(NavArea.CLIENT)),
    commands=COMMANDS,
)
