"""The API of the audit trail."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler

from foundation.audit.chain import ChainVerification, verify_chain
from governance.audit_trail.lists import AUDIT_ENTRIES
from governance.permissions import GovernancePermission
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": GovernancePermission.READ_AUDIT}
_ROOT: Final = "/api/v1/clients/{client:str}/audit"
_TAGS: Final = ["audit"]


AUDIT_LIST: Final = list_route(AUDIT_ENTRIES, _ROOT, opt=_READ, tags=_TAGS, about="List audit entries, newest first.")


@get(f"{_ROOT}/verify", opt=_READ, tags=_TAGS)
async def verify_audit_trail(access: OpenAccess) -> ChainVerification:
    """Verify the hash of every entry. Store `head` elsewhere to detect removed entries later."""
    return await verify_chain(access.session)


TRAIL_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (AUDIT_LIST, verify_audit_trail)
