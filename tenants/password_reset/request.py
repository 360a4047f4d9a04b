"""Request of a link by an anonymous visitor who types an address.

The web process does the same for every address: it seals the address and enqueues a job. Only the job looks up the
member, so neither the response nor its time reveals whether the address is known.
"""

from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import Database
from foundation.errors import Conflict, NotFound
from foundation.ids import new_id
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import Handler
from foundation.jobs.types import JobType
from foundation.marks import N_
from foundation.scope import Actor, Scope
from foundation.vault.errors import CiphertextInvalid
from foundation.vault.vault import Vault
from tenants.auth.services import AuthServices
from tenants.auth.sign_in import read_email
from tenants.mail.job_types import MAIL_LANE
from tenants.mail.mailer import Portal
from tenants.members.repository import get_member
from tenants.models import Member
from tenants.password_reset.links import send_reset_link
from tenants.states import AccountStatus

_PURPOSE: Final = "password_reset:request"
_MOST_HOMES: Final = 20
_DOOR: Final = Actor.system("password-reset")


class ResetRequest(msgspec.Struct, frozen=True):
    """`sealed` is the typed address, encrypted and in hexadecimal digits: it may be a password in the wrong field."""

    sealed: str
    origin: str
    brand_id: UUID | None


REQUEST_RESET: Final = JobType(
    "tenants.request_password_reset", N_("Send a link for a new password"), ResetRequest, batch=1
)


async def request_reset(  # noqa: PLR0913 - keyword-only
    auth: AuthServices, vault: Vault, *, msp_id: UUID, email: str, address: str, portal: Portal
) -> None:
    """Enqueue the search for the members with this address.

    Raises:
        SignInThrottled: too many requests, whether or not the address is known.
    """
    typed = read_email(email)
    await auth.throttle.reserve(msp_id=msp_id, email=f"password-reset:{typed}", address=address, now=auth.clock())
    msp_account = Scope(msp_id=msp_id, tenant_id=msp_id, actor=_DOOR)
    async with auth.db.transaction(msp_account) as session:
        sealed = await vault.encrypt(session, _PURPOSE, typed.encode())
        payload = ResetRequest(sealed.hex(), portal.origin, portal.brand_id)
        enqueue(session, [NewJob(MAIL_LANE, REQUEST_RESET, key=str(new_id()), payload=payload)])


def reset_request_handler(db: Database, vault: Vault, auth: AuthServices) -> Handler[ResetRequest]:
    async def send_links(batch: Batch[ResetRequest]) -> None:
        (item,) = batch.items
        async with batch.read() as session:
            email = await _open(session, vault, item.payload)
        portal = Portal(item.payload.origin, item.payload.brand_id)
        for tenant_id, member_id in await _find_members(db, batch.scope, email):
            try:
                async with db.transaction(batch.scope.for_tenant(tenant_id)) as session:
                    member = await get_member(session, member_id)
                    await send_reset_link(session, auth, member, portal=portal, now=auth.clock())
            except (Conflict, NotFound):
                continue  # suspended, or invited and without a password

    return send_links


async def _open(session: AsyncSession, vault: Vault, request: ResetRequest) -> str:
    try:
        return (await vault.decrypt(session, _PURPOSE, bytes.fromhex(request.sealed))).decode()
    except CiphertextInvalid:
        return ""  # the data key was destroyed meanwhile


async def _find_members(db: Database, scope: Scope, email: str) -> list[tuple[UUID, UUID]]:
    if not email:
        return []
    own = (Member.msp_id == scope.msp_id, Member.email == email, Member.status == AccountStatus.ACTIVE)
    query = select(Member.tenant_id, Member.id).where(*own).order_by(Member.id).limit(_MOST_HOMES)
    async with db.transaction(scope.for_fleet()) as session:
        return [(row.tenant_id, row.id) for row in await session.execute(query)]
