"""The API of the audit trail."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler

from foundation.audit.chain import ChainVerification, verify_chain
from foundation.web.lists import ListDefinition
from governance.audit_trail.schemas import AuditEntryView
from governance.permissions import GovernancePermission
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": GovernancePermission.READ_AUDIT}
_ROOT: Final = "/api/v1/clients/{client:str}/audit"
_TAGS: Final = ["audit"]


@get(f"{_ROOT}/verify", opt=_READ, tags=_TAGS)
async def verify_audit_trail(access: OpenAccess) -> ChainVerification:
    """Verify the hash of every entry. Store `head` elsewhere to detect removed entries later."""
    return await verify_chain(access.session)


def build_trail_routes(entries: ListDefinition[AuditEntryView]) -> list[HTTPRouteHandler]:
    listing = list_route(entries, _ROOT, opt=_READ, tags=_TAGS, about="List audit entries, newest first.")
    return [listing, verify_audit_trail]
