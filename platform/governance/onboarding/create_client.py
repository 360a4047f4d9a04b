"""Creation of a client: its account with the starter policy, its rating, and its onboarding."""

from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.jobs import schedule_rating
from canonical.money import UnknownCurrency, minor_exponent
from foundation.clock import Clock
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput
from foundation.ids import NewId
from foundation.marks import N_
from policy.packaged import starter_rules
from policy.publishing import publish_rules
from tenants import accounts
from tenants.client_input import ClientInput
from tenants.models import Client
from tenants.preferences.set_preferences import Preferences, check_preferences

FIRST_RATING: Final = timedelta(minutes=15)


async def create_client(session: AsyncSession, new: ClientInput, *, clock: Clock, new_id: NewId) -> Client:
    """Create a client. The session's scope is the new client.

    Raises:
        SlugTaken: another client of the same MSP has the slug.
        InvalidInput: a part is malformed.
    """
    scope, now = scope_of(session), clock()
    check_preferences(Preferences(new.language, new.time_zone))
    try:
        minor_exponent(new.currency)
    except UnknownCurrency:
        raise InvalidInput(N_("A currency is an ISO 4217 code such as EUR."), field="currency") from None
    client = await accounts.create_client(
        session, name=new.name, slug=new.slug, currency=new.currency, language=new.language, time_zone=new.time_zone,
        region=new.region, environment=new.environment, now=now,
    )  # fmt: skip
    await publish_rules(session, scope, rules=starter_rules(str(scope.tenant_id)), clock=clock, new_id=new_id)
    await schedule_rating(session, now + FIRST_RATING)
    await session.execute(
        text("""
            INSERT INTO onboarding (tenant_id, msp_id, started_at, started_by) VALUES (:t, :m, :now, :by)
        """),
        {"t": scope.tenant_id, "m": scope.msp_id, "now": now, "by": scope.actor.name},
    )
    return client
