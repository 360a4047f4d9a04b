"""What a session may request while it impersonates: pages, and its own end. The first place that sees each request."""

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from branding.shell import LooksAs
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

BANNER: Final = "looks_as"
"""Key of the request's state that holds its `LooksAs`."""
_OWN_PAGES: Final = ("/settings", CONFIRM_PATH)
AnyConnection = ASGIConnection[Any, Any, Any, Any]


def concerns_sessions(connection: AnyConnection, handler: BaseRouteHandler) -> bool:
    """Whether a route without a permission must know if its caller impersonates."""
    return not handler.opt.get(END_OPTION) and (_is_unsafe(connection) or _is_own_page(connection.scope["path"]))


async def require_allowed(
    auth: AuthServices, connection: AnyConnection, handler: BaseRouteHandler, session: Session | None
) -> None:
    """Also refuses what comes after the time is over, until a page has said so.

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


async def end_where_refused(auth: AuthServices, session: Session | None, refusal: Exception) -> None:
    """End an impersonation that may not go on."""
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
