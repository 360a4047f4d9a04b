"""The API of the audit trail."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from foundation.audit.chain import ChainVerification, verify_chain
from governance.audit_trail.queries import list_entries
from governance.audit_trail.schemas import EntryPage
from governance.inputs import USUAL, check_limit
from governance.permissions import GovernancePermission
from tenants.routes import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_AUDIT}
_ROOT: Final = "/api/v1/clients/{client:str}/audit"
_TAGS: Final = ["audit"]


@get(_ROOT, opt=_READ, tags=_TAGS)
async def api_audit(
    access: OpenAccess,
    subject: FromQuery[str] = "",
    cursor: FromQuery[int | None] = None,
    limit: FromQuery[int] = USUAL,
) -> EntryPage:
    """List audit entries, newest first; `subject` is an exact subject such as "change:<id>"."""
    return await list_entries(access.session, subject=subject, cursor=cursor, limit=check_limit(limit))


@get(f"{_ROOT}/verify", opt=_READ, tags=_TAGS)
async def api_audit_verify(access: OpenAccess) -> ChainVerification:
    """Recompute every hash. Store `head` elsewhere to detect a truncated end later."""
    return await verify_chain(access.session)


TRAIL_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (api_audit, api_audit_verify)
