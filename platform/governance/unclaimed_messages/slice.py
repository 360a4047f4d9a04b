"""Parts of this slice."""

from typing import Any, Final

from connectors.translation.subscriptions import MessageSubscription, UnclaimedMessages
from foundation.rooms import Slice
from governance.services import GovernanceServices, with_services
from governance.unclaimed_messages.commands import COMMANDS
from governance.unclaimed_messages.notices import unclaimed_reader
from governance.unclaimed_messages.pages import build_unclaimed_pages
from governance.unclaimed_messages.repair import repair_unclaimed
from governance.unclaimed_messages.routes import build_unclaimed_routes


def _message_subscriptions(services: GovernanceServices) -> list[MessageSubscription[Any]]:
    return [MessageSubscription(UnclaimedMessages, unclaimed_reader(services))]


SLICE: Final = Slice(
    message_subscriptions=with_services(_message_subscriptions),
    repairs=(repair_unclaimed,),
    routes=build_unclaimed_routes,
    pages=build_unclaimed_pages,
    commands=COMMANDS,
)
