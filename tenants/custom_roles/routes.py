"""API of roles. Without a client in the path, of the MSP account."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody

from foundation.web.api import delete, post, put
from foundation.web.etags import GuardedOperation, read_etag, tagged
from policy.models import PolicyRole
from policy.permissions import PolicyPermission
from policy.roles import RoleContent
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.custom_roles.manage import RoleManager
from tenants.custom_roles.queries import read_role, read_roles
from tenants.custom_roles.schemas import PermissionView, RoleInput, RoleView
from tenants.custom_roles.version import require_role_version, role_version
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/api/v1", "/api/v1/clients/{client:str}"]
_ROLES: Final = [f"{root}/roles" for root in _ROOTS]
_ONE: Final = [f"{root}/{{role:str}}" for root in _ROLES]
_READ: Final = {"permission": TenantPermission.READ_MEMBERS}
_WRITE: Final = {"permission": PolicyPermission.WRITE_ROLES} | STEP_UP
_TAGS: Final = ["roles"]
OpenRoleManager = NamedDependency[RoleManager]
"""Handler parameter `role_manager`, filled by `provide_role_manager`."""


def provide_role_manager(manager: RoleManager) -> Provide:
    return Provide(lambda: manager, sync_to_thread=False)


async def _view(access: Access, role_manager: RoleManager, role: str) -> RoleView:
    index = await role_manager.auth.policies.index_for(access.session, access.scope)
    return await read_role(access.session, index, role)


@get(_ROLES, opt=_READ, tags=_TAGS)
async def list_roles(access: OpenAccess, role_manager: OpenRoleManager) -> Sequence[RoleView]:
    """List the account's roles: the packaged ones, then its own."""
    return await read_roles(access.session, await role_manager.auth.policies.index_for(access.session, access.scope))


@get([f"{root}/permissions" for root in _ROOTS], opt=_READ, tags=_TAGS)
async def list_permissions(access: OpenAccess, role_manager: OpenRoleManager) -> Sequence[PermissionView]:
    """List the permissions that roles of the account can have."""
    groups = role_manager.catalogue.groups(await role_manager.allowed(access.session), access.principal, ())
    return [
        PermissionView(choice.code, choice.label, group.title, choice.held)
        for group in groups
        for choice in group.choices
    ]


@get(_ONE, opt=_READ, tags=_TAGS)
async def show_role(access: OpenAccess, role_manager: OpenRoleManager, role: FromPath[str]) -> Response[RoleView]:
    """Show a role with its permissions. `ETag` has the version of its name, description and permissions."""
    return _tagged(await _view(access, role_manager, role))


@post(_ROLES, opt=_WRITE, tags=_TAGS)
async def create_role(access: OpenAccess, role_manager: OpenRoleManager, data: JSONBody[RoleInput]) -> RoleView:
    """Create a role of permissions that the caller has."""
    made: PolicyRole = await role_manager.create(access.session, access.principal, _content(data))
    return await _view(access, role_manager, made.id)


@put(_ONE, opt=_WRITE, tags=_TAGS, status_code=200, operation_class=GuardedOperation)
async def change_role(
    request: AnyRequest,
    access: OpenAccess,
    role_manager: OpenRoleManager,
    role: FromPath[str],
    data: JSONBody[RoleInput],
) -> Response[RoleView]:
    """Change a role of the account's own. It takes effect with the next request of everyone who has it."""
    await require_role_version(access.session, role, read_etag(request))
    await role_manager.change(access.session, access.principal, role, _content(data))
    return _tagged(await _view(access, role_manager, role))


@delete(_ONE, opt=_WRITE, tags=_TAGS)
async def remove_custom_role(access: OpenAccess, role_manager: OpenRoleManager, role: FromPath[str]) -> None:
    """Delete a role of the account's own that is not assigned. A refusal lists the holders in `holders`."""
    await role_manager.delete(access.session, access.principal, role)


ROLE_ROUTES: Final[tuple[Any, ...]] = (
    list_roles, list_permissions, show_role, create_role, change_role, remove_custom_role,
)  # fmt: skip


def _tagged(view: RoleView) -> Response[RoleView]:
    return tagged(view, role_version(view))


def _content(data: RoleInput) -> RoleContent:
    return RoleContent(data.name, data.permissions, data.about)
