"""`fairlead tenant password-link`: operator only, not for an account's administrators, since a link equals a
sign-in.
"""

from uuid import UUID

import click

from foundation.clock import utc_now
from foundation.commands import operator_scope, run_with_services
from foundation.errors import Conflict
from foundation.rooms import AppServices
from tenants.command_options import CLIENT_OF_MSP, MSP
from tenants.members.repository import create_invite, find_member
from tenants.models import AccountStatus
from tenants.secrets import new_secret


@click.command("password-link")
@MSP
@click.option(
    "--tenant",
    "tenant_id",
    type=CLIENT_OF_MSP,
    help="The client's id or short name; without it, the MSP's own account.",
)
@click.option("--email", required=True)
def password_link(msp_id: UUID, tenant_id: UUID | None, email: str) -> None:
    """A link for somebody who forgot their password; it works once, for a week.

    Whoever has it becomes that member: see that it reaches nobody else. The account's audit chain tells of it.
    """

    async def act(services: AppServices) -> str:
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            member = await find_member(session, email)
            if member.status == AccountStatus.SUSPENDED:
                raise Conflict(
                    "This member is suspended, so no link would open. Let them in first: `fairlead member resume`."
                )
            token = await create_invite(session, new_secret, member_id=member.id, now=utc_now())
        return f"/welcome/{token}\nOpen it on the host where {member.email} signs in."

    run_with_services(act)
