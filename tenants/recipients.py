"""Recipients of mails: members, with the language in which they read."""

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.i18n.localizer import current_localizer
from tenants.accounts import get_client, get_msp
from tenants.mail.mailer import Recipient
from tenants.models import Member


async def recipient_of(session: AsyncSession, member: Member) -> Recipient:
    """The member of the scope's account, with the language and zone of their own, of the account, or of the reader."""
    scope = scope_of(session)
    account = await (get_msp(session) if scope.tenant_id == scope.msp_id else get_client(session))
    language = member.language or account.language or current_localizer().language
    return Recipient(member.email, member.name, language, member.time_zone or account.time_zone or "UTC")
