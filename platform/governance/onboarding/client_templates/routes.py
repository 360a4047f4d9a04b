"""The API of client templates."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from foundation.errors import NotFound
from foundation.web.api import post, put
from foundation.web.etags import GuardedOperation, read_etag, tagged
from governance.onboarding.client_templates.apply import ApplyResult, apply_version, set_kept
from governance.onboarding.client_templates.content import TemplateContent
from governance.onboarding.client_templates.from_client import read_content, read_version
from governance.onboarding.client_templates.lists import CLIENT_TEMPLATES, TEMPLATE_CLIENTS
from governance.onboarding.client_templates.queries import compare_use, version_view
from governance.onboarding.client_templates.rights import readable_content, readable_parts, require_billing_rights
from governance.onboarding.client_templates.save import create_template, save_version
from governance.onboarding.client_templates.schemas import (
    ApplyInput,
    KeepInput,
    TemplateInput,
    TemplateSaved,
    TemplateUseView,
    TemplateVersionView,
    VersionInput,
)
from governance.onboarding.client_templates.store import StoredUse, StoredVersion, find_use, load_version
from governance.onboarding.client_templates.version_check import require_newest
from governance.onboarding.permissions import OnboardingPermission
from governance.services import GovernanceServices
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

AnyRequest = Request[Any, Any, Any]
_READ: Final = {"permission": OnboardingPermission.READ_TEMPLATES}
_FLEET: Final = {**_READ, "fleet": True}
_WRITE: Final = {"permission": OnboardingPermission.WRITE_TEMPLATES}
_APPLY: Final = {"permission": OnboardingPermission.APPLY_TEMPLATE}
_ROOT: Final = "/api/v1/client-templates"
_TEMPLATE: Final = f"{_ROOT}/{{template_id:uuid}}"
_CLIENT: Final = "/api/v1/clients/{client:str}/template"
_TAGS: Final = ["client templates"]

TEMPLATE_LIST: Final = list_route(
    CLIENT_TEMPLATES, _ROOT, opt=_FLEET, tags=_TAGS, about="List the MSP's client templates with their newest version."
)
TEMPLATE_CLIENT_LIST: Final = list_route(
    TEMPLATE_CLIENTS,
    "/api/v1/client-template-uses",
    opt=_FLEET,
    tags=_TAGS,
    about="List the clients that follow a template: their version, and in how many contracts and checks they differ.",
)


@get(_TEMPLATE, opt=_FLEET, tags=_TAGS)
async def show_template(access: OpenAccess, template_id: FromPath[UUID]) -> Response[TemplateVersionView]:
    """The newest version of a template with its content. `ETag` has the version."""
    view = _readable(access, await load_version(access.session, template_id))
    return tagged(view, str(view.version))


@get(f"{_TEMPLATE}/versions/{{version:int}}", opt=_FLEET, tags=_TAGS)
async def show_template_version(
    access: OpenAccess, template_id: FromPath[UUID], version: FromPath[int]
) -> TemplateVersionView:
    """A version of a template with its content. It is never changed."""
    return _readable(access, await load_version(access.session, template_id, version))


@post(f"{_TEMPLATE}/versions", opt=_WRITE, tags=_TAGS, operation_class=GuardedOperation)
async def add_template_version(
    request: AnyRequest, access: OpenAccess, template_id: FromPath[UUID], data: JSONBody[VersionInput]
) -> TemplateSaved:
    """Save the next version of a template. Clients get it when they pull it. Other prices need the right to change
    price books, another plan that to change subscriptions.
    """
    await require_newest(access.session, template_id, read_etag(request))
    content = await _content(access, data)
    require_billing_rights(access, content, (await load_version(access.session, template_id)).content)
    version = await save_version(access.session, template_id, content, note=data.note, now=access.now)
    return TemplateSaved(template_id, version)


@get(_CLIENT, opt=_READ, tags=_TAGS)
async def show_client_template(access: OpenAccess) -> TemplateUseView:
    """The template that the client follows, with each of its items compared with the client's."""
    used = await _use(access)
    newest = await read_version(access, used.template_id)
    slug = access.require_client().slug
    view = await compare_use(access.session, used, client=slug, latest=newest.latest, now=access.now)
    return msgspec.structs.replace(view, items=readable_parts(access, view.items))


@get(f"{_CLIENT}/update", opt=_READ, tags=_TAGS)
async def show_client_template_update(access: OpenAccess) -> TemplateUseView:
    """Changes that pulling the newest version of the client's template would make."""
    used = await _use(access)
    newest = await read_version(access, used.template_id)
    slug = access.require_client().slug
    view = await compare_use(access.session, used, client=slug, latest=newest.latest, version=newest, now=access.now)
    return msgspec.structs.replace(view, items=readable_parts(access, view.items))


@put(f"{_CLIENT}/items", opt=_APPLY, tags=_TAGS, status_code=204)
async def keep_template_item(access: OpenAccess, data: JSONBody[KeepInput]) -> None:
    """Keep an item as the client has it, or follow the template again."""
    await set_kept(access.session, data.key, keep=data.keep, now=access.now)


def build_template_routes(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(_ROOT, opt=_WRITE, tags=_TAGS)
    async def create_client_template(access: OpenAccess, data: JSONBody[TemplateInput]) -> TemplateSaved:
        """Save a new template: of the given content, or of a client's content. Connections are saved without addresses
        and secrets. Prices need the right to change price books, a plan that to change subscriptions.
        """
        content = await _content(access, data)
        require_billing_rights(access, content)
        template_id = await create_template(
            access.session, name=data.name, content=content, note=data.note, now=access.now, new_id=services.new_id
        )
        return TemplateSaved(template_id, 1)

    @post(_CLIENT, opt=_APPLY, tags=_TAGS, status_code=200)
    async def apply_client_template(access: OpenAccess, data: JSONBody[ApplyInput]) -> ApplyResult:
        """Apply a version of a template to the client, or pull a newer one. Repeat it when more systems are
        connected.
        """
        version = await read_version(access, data.template_id, data.version)
        return await apply_version(
            access.session, version, registry=services.runtime.registry, keep=data.keep, now=access.now,
            new_id=services.new_id,
        )  # fmt: skip

    return (
        TEMPLATE_LIST, TEMPLATE_CLIENT_LIST, create_client_template, show_template, show_template_version,
        add_template_version, show_client_template, show_client_template_update, apply_client_template,
        keep_template_item,
    )  # fmt: skip


def _readable(access: Access, stored: StoredVersion) -> TemplateVersionView:
    view = version_view(stored)
    return msgspec.structs.replace(view, content=readable_content(access, view.content))


async def _content(access: Access, data: TemplateInput | VersionInput) -> TemplateContent:
    if data.client:
        return await read_content(access, data.client)
    return data.content or TemplateContent()


async def _use(access: Access) -> StoredUse:
    """Raises NotFound: the client follows no template."""
    used = await find_use(access.session)
    if used is None:
        raise NotFound
    return used
