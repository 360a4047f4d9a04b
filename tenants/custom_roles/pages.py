"""Pages of an account's roles: the list, one role with its preview, and the form."""

from collections.abc import Collection
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Template

from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.etags import version_in
from foundation.web.fragments import FRAGMENT
from foundation.web.render import redirect_to, render_page
from policy.index import PolicyIndex
from policy.permissions import PolicyPermission
from policy.roles import LONGEST_ABOUT, RoleContent
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.custom_roles.catalogue import RolePreview
from tenants.custom_roles.manage import RoleManager, role_holders
from tenants.custom_roles.queries import read_role, read_roles
from tenants.custom_roles.routes import OpenRoleManager
from tenants.custom_roles.schemas import RoleView
from tenants.custom_roles.version import require_role_version, role_version
from tenants.members.change_member import PARTNER
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/roles", "/clients/{client:str}/roles"]
_ONE: Final = [f"{path}/{{role:str}}" for path in _ROOTS]
_READ: Final = {"permission": TenantPermission.READ_MEMBERS}
_FORM: Final = {"permission": PolicyPermission.WRITE_ROLES}
_WRITE: Final = _FORM | STEP_UP
_EMPTY: Final = RoleContent("", ())


class RolePages:
    """Template context of the roles' pages."""

    def __init__(self, manager: RoleManager) -> None:
        self._manager = manager

    async def index(self, access: Access) -> PolicyIndex:
        """The policy of the page's account; the permissions of staff in a client come from another."""
        return await self._manager.auth.policies.index_for(access.session, access.scope)

    async def own(self, access: Access, role: str) -> RoleView:
        """Raises NotFound for a packaged role too."""
        found = await read_role(access.session, await self.index(access), role)
        return found if found.custom else await read_role(access.session, await self.index(access), "")

    async def copy(self, access: Access, role: str) -> RoleContent:
        found = await read_role(access.session, await self.index(access), role)
        allowed = await self._manager.allowed(access.session)
        kept = [code for code in found.permissions if code in allowed and access.may(code)]
        return RoleContent("", kept, "" if not found.custom else found.about)

    def preview(self, access: Access, permissions: Collection[str], *, partner: bool = False) -> RolePreview:
        in_msp_account = access.client is None
        return self._manager.catalogue.preview(set(permissions), in_msp_account=in_msp_account, partner=partner)

    async def show(self, access: Access, role: str, refusal: DomainError | None = None) -> Template:
        found = await read_role(access.session, await self.index(access), role)
        allowed = await self._manager.allowed(access.session)
        groups = self._manager.catalogue.groups(allowed, access.principal, found.permissions)
        context = {
            "role": found,
            "groups": [group for group in groups if group.chosen],
            "holders": await role_holders(access.session, role),
            "preview": self.preview(access, found.permissions, partner=role == PARTNER),
            "refused": refusal,
        }
        return render_page(access, "tenants/role.html", found.name, context, refusal=refusal)

    async def form(
        self, access: Access, role: str, content: RoleContent, refusal: DomainError | None = None, *, version: str = ""
    ) -> Template:
        """The form of the role, or of a new one without. `version` is that of the role, when the form was
        first drawn.
        """
        allowed = await self._manager.allowed(access.session)
        field = "" if refusal is None else str(refusal.extra.get("field", "permissions"))
        context = {
            "role": role,
            "content": content,
            "version": version,
            "groups": self._manager.catalogue.groups(allowed, access.principal, content.permissions),
            "preview": self.preview(access, content.permissions),
            "errors": dict.fromkeys(("name", "about", "permissions"), "")
            | ({field: refusal.detail} if refusal else {}),
            "summary": [(field, refusal.detail)] if refusal else [],
            "about_limit": LONGEST_ABOUT,
            "holders": await role_holders(access.session, role) if role else (),
        }
        title = content.name if role else translate("New role")
        return render_page(access, "tenants/role_form.html", title, context, refusal=refusal)


@get(_ROOTS, name="roles", opt=_READ, include_in_schema=False)
async def list_roles_page(access: OpenAccess, role_manager: OpenRoleManager) -> Response[Any]:
    roles = await read_roles(access.session, await RolePages(role_manager).index(access))
    context = {"packaged": [one for one in roles if not one.custom], "own": [one for one in roles if one.custom]}
    return render_page(access, "tenants/roles.html", translate("Roles"), context)


@get([f"{path}/new" for path in _ROOTS], opt=_FORM, include_in_schema=False)
async def new_role_page(request: AnyRequest, access: OpenAccess, role_manager: OpenRoleManager) -> Response[Any]:
    """The form, with the permissions of the role in `?copy=`, as far as the reader has them."""
    copied = request.query_params.get("copy", "")
    content = await RolePages(role_manager).copy(access, copied) if copied else _EMPTY
    return await RolePages(role_manager).form(access, "", content)


@post([f"{path}/new" for path in _ROOTS], opt=_WRITE, include_in_schema=False)
async def create_role_page(request: AnyRequest, access: OpenAccess, role_manager: OpenRoleManager) -> Response[Any]:
    content, asked = await _typed(request)
    if asked == "preview":
        return await RolePages(role_manager).form(access, "", content)
    made: list[str] = []

    async def create() -> None:
        made.append((await role_manager.create(access.session, access.principal, content)).id)

    refusal = await run_action(access.session, create())
    if refusal is not None:
        return await RolePages(role_manager).form(access, "", content, refusal)
    return redirect_to(access, f"/roles/{made[0]}", done=translate("Role created"))


@get([f"{path}/preview" for path in _ROOTS], opt=_FORM | FRAGMENT, include_in_schema=False)
async def preview_role(request: AnyRequest, access: OpenAccess, role_manager: OpenRoleManager) -> Template:
    """The form's preview, of the permissions in the query."""
    chosen = request.query_params.getall("permissions", [])
    return render_page(
        access, "tenants/role_preview.html", "", {"preview": RolePages(role_manager).preview(access, chosen)}
    )


@get(_ONE, name="role", opt=_READ, include_in_schema=False)
async def role_page(access: OpenAccess, role_manager: OpenRoleManager, role: FromPath[str]) -> Response[Any]:
    return await RolePages(role_manager).show(access, role)


@get([f"{path}/edit" for path in _ONE], opt=_FORM, include_in_schema=False)
async def edit_role_page(access: OpenAccess, role_manager: OpenRoleManager, role: FromPath[str]) -> Response[Any]:
    known = await RolePages(role_manager).own(access, role)
    content = RoleContent(known.name, known.permissions, known.about)
    return await RolePages(role_manager).form(access, role, content, version=role_version(known))


@post([f"{path}/edit" for path in _ONE], opt=_WRITE, include_in_schema=False)
async def change_role_page(
    request: AnyRequest, access: OpenAccess, role_manager: OpenRoleManager, role: FromPath[str]
) -> Response[Any]:
    await RolePages(role_manager).own(access, role)
    content, asked = await _typed(request)
    version = version_in(await request.form())
    if asked == "preview":
        return await RolePages(role_manager).form(access, role, content, version=version)

    async def change() -> None:
        await require_role_version(access.session, role, version)
        await role_manager.change(access.session, access.principal, role, content)

    refusal = await run_action(access.session, change())
    if refusal is not None:
        return await RolePages(role_manager).form(access, role, content, refusal, version=version)
    return redirect_to(access, f"/roles/{role}", done=translate("Role saved"))


@post([f"{path}/delete" for path in _ONE], opt=_WRITE, include_in_schema=False)
async def remove_role_page(access: OpenAccess, role_manager: OpenRoleManager, role: FromPath[str]) -> Response[Any]:
    refusal = await run_action(access.session, role_manager.delete(access.session, access.principal, role))
    if refusal is not None:
        return await RolePages(role_manager).show(access, role, refusal)
    return redirect_to(access, "/roles", done=translate("Role deleted"))


ROLE_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_roles_page,
    new_role_page,
    create_role_page,
    preview_role,
    role_page,
    edit_role_page,
    change_role_page,
    remove_role_page,
)


async def _typed(request: AnyRequest) -> tuple[RoleContent, str]:
    """The form's content, and the button that was pressed."""
    form = await request.form()
    chosen = [str(one) for one in form.getall("permissions", [])]
    content = RoleContent(str(form.get("name", "")).strip(), chosen, str(form.get("about", "")).strip())
    return content, str(form.get("act", ""))
