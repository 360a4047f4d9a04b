"""The start of an impersonation in the session of a request."""

from functools import partial
from uuid import UUID

from foundation.ids import new_id
from tenants.access import Access
from tenants.auth.impersonation import Impersonation, OnlyInABrowser
from tenants.auth.services import AuthServices
from tenants.impersonation.start import NewImpersonation, start_impersonation


async def begin_impersonation(
    access: Access, auth: AuthServices, member_id: UUID, wanted: NewImpersonation
) -> Impersonation:
    """Raises: see `start_impersonation`."""
    signed_in = access.signed_in
    if signed_in is None:
        raise OnlyInABrowser
    acting = await start_impersonation(
        access.session, access.principal, access.require_client(), member_id, wanted, now=access.now, new_id=new_id
    )
    access.after_commit.append(partial(auth.sessions.impersonate, signed_in, acting, now=access.now))
    return acting
