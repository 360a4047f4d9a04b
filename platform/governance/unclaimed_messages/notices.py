"""The exception about messages that no room reads: one per connection and type, closed when none is kept."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from connectors.translation.repository import MANY
from connectors.translation.subscriptions import MessageHandler, Origin, Received, UnclaimedMessages
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import auto_resolve, open_exceptions
from governance.exceptions.rows import NewException
from governance.messages import exceptions as messages
from governance.services import GovernanceServices


def unclaimed_reader(services: GovernanceServices) -> MessageHandler[UnclaimedMessages]:
    async def read(session: AsyncSession, received: Sequence[Received[UnclaimedMessages]]) -> None:
        now = services.clock()
        found = [(each.origin, one) for each in received for one in each.messages]
        corrected = [_subject(origin, one) for origin, one in found if not one.stored]
        await auto_resolve(session, ExceptionType.MESSAGE_UNCLAIMED, corrected, now=now)
        stored = [_exception(origin, one) for origin, one in found if one.stored]
        await open_exceptions(session, stored, now=now, new_id=services.new_id)

    return read


def _subject(origin: Origin, unclaimed: UnclaimedMessages) -> str:
    return f"{origin.connection_id}:{unclaimed.message_type}"


def _exception(origin: Origin, unclaimed: UnclaimedMessages) -> NewException:
    """An exception without a source event: replaying one would find no reader, and close the exception about the
    others.
    """
    template = messages.MESSAGE_UNCLAIMED if unclaimed.stored < MANY else messages.MESSAGE_UNCLAIMED_MANY
    return NewException(
        code=ExceptionType.MESSAGE_UNCLAIMED,
        subject=_subject(origin, unclaimed),
        message=template.fill(message_type=unclaimed.message_type, count=min(unclaimed.stored, MANY)),
        connection_id=origin.connection_id,
        correlation=origin.correlation,
    )
