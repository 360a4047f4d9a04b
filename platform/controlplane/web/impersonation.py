"""Limits of a session that impersonates: it may read pages, and end itself. The first check of each request."""

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from branding.shell import LooksAs, Onlooker, is_page
from foundation.errors import Unauthenticated
from tenants.auth.csrf import SAFE_METHODS, make_token
from tenants.auth.end_impersonation import end_impersonation, record_refused_act
from tenants.auth.impersonation import (
    END_OPTION,
    EndCause,
    ImpersonationEnded,
    ImpersonationHidesThis,
    ImpersonationIsReadOnly,
)
from tenants.auth.services import AuthServices
from tenants.auth.sessions import Session
from tenants.auth.step_up import CONFIRM_PATH
from tenants.models import Client
from tenants.permissions import TenantPermission
from tenants.principal import Principal

BANNER: Final = "looks_as"
"""Key of the request's state that holds its `LooksAs`."""
_OWN_PAGES: Final = ("/settings", CONFIRM_PATH)
AnyConnection = ASGIConnection[Any, Any, Any, Any]


def concerns_sessions(connection: AnyConnection, handler: BaseRouteHandler) -> bool:
    """Whether a route without a permission needs the check for impersonation."""
    return not handler.opt.get(END_OPTION) and (_is_unsafe(connection) or _is_own_page(connection.scope["path"]))


async def require_allowed(
    auth: AuthServices, connection: AnyConnection, handler: BaseRouteHandler, session: Session | None
) -> None:
    """Refuse requests beyond these limits, also after the impersonation's time until a page has shown its end.

    Raises:
        ImpersonationIsReadOnly: an unsafe method, which is recorded.
        ImpersonationHidesThis: a page of the session's own settings and factors.
    """
    if session is None or session.acting is None:
        return
    acting = session.acting
    token = make_token(session.form_secret, auth.new_secret)
    connection.scope["state"][BANNER] = LooksAs(
        by=acting.by_name, member=acting.member_name, until=acting.until, csrf_token=token
    )
    if handler.opt.get(END_OPTION):
        return
    if _is_unsafe(connection):
        await record_refused_act(
            auth, session, method=str(connection.scope.get("method")), path=connection.scope["path"]
        )
        raise ImpersonationIsReadOnly(acting.member_name)
    if _is_own_page(connection.scope["path"]):
        raise ImpersonationHidesThis(acting.member_name)


async def find_onlookers(
    auth: AuthServices, connection: AnyConnection, principal: Principal, client: Client | None
) -> tuple[Onlooker, ...]:
    """Staff who view the client's pages as one of its members now: for a page of that member, or of a member who
    decides on the service provider's access. Pages of staff, and those they view as a member, have none.
    """
    is_own = client is not None and not principal.is_staff and principal.impersonator is None
    if client is None or not is_own or not is_page(connection.headers, connection.scope["path"]):
        return ()
    decides = principal.may(TenantPermission.DECIDE_ACCESS)
    live = await auth.sessions.list_impersonations(msp_id=client.msp_id, tenant_id=client.tenant_id, now=auth.clock())
    return tuple(
        Onlooker(
            by=one.by_name, member="" if one.member_id == principal.id else one.member_name, since=one.since,
            until=one.until, reason=one.reason,
        )
        for one in live
        if decides or one.member_id == principal.id
    )  # fmt: skip


async def end_where_refused(auth: AuthServices, session: Session | None, refusal: Exception) -> None:
    """End an impersonation whose request was refused because its time is over or its session is no longer valid."""
    if session is None or session.acting is None:
        return
    if isinstance(refusal, ImpersonationEnded):
        await end_impersonation(auth, session, refusal.cause)
    elif isinstance(refusal, Unauthenticated):
        await end_impersonation(auth, session, EndCause.SUSPENDED)


def _is_unsafe(connection: AnyConnection) -> bool:
    return connection.scope.get("method") not in SAFE_METHODS


def _is_own_page(path: str) -> bool:
    return any(path == own or path.startswith(f"{own}/") for own in _OWN_PAGES)
