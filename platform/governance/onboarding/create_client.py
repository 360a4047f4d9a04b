"""Creation of a client: its account with the starter policy, its rating, and its onboarding."""

from datetime import timedelta
from typing import Final

from sqlalchemy import text

from billing.jobs import schedule_rating
from canonical.money import UnknownCurrency, minor_exponent
from foundation.clock import Clock
from foundation.database.engine import Database
from foundation.errors import InvalidInput
from foundation.ids import NewId
from foundation.marks import N_
from foundation.names import clean_name
from foundation.scope import Scope
from governance.dashboards.layouts import copy_msp_default
from governance.elements.value_hold import begin_hold
from governance.escalations.ladder import copy_msp_ladder
from governance.onboarding.client_templates.apply import apply_version
from governance.onboarding.client_templates.store import StoredVersion
from governance.onboarding.msp_defaults import catch_up, read_msp_defaults
from policy.inheritance import inherit
from policy.packaged import starter_rules
from policy.publishing import publish_rules
from tenants import accounts
from tenants.accounts import check_slug
from tenants.client_input import ClientInput
from tenants.models import Client
from tenants.preferences.set_preferences import Preferences, check_preferences
from tenants.regions import check_region

FIRST_RATING: Final = timedelta(minutes=15)


def check_client(new: ClientInput) -> None:
    """Check the input. Raises InvalidInput for a client that is invalid regardless of existing ones."""
    clean_name(new.name)
    check_slug(new.slug)
    check_preferences(Preferences(new.language, new.time_zone))
    check_region(new.region)
    try:
        minor_exponent(new.currency)
    except UnknownCurrency:
        raise InvalidInput(N_("A currency is an ISO 4217 code such as EUR."), field="currency") from None


async def create_client(  # noqa: PLR0913 - keyword-only
    db: Database,
    scope: Scope,
    new: ClientInput,
    *,
    clock: Clock,
    new_id: NewId,
    template: StoredVersion | None = None,
    holds_values: bool = False,
) -> Client:
    """Create a client with the starter policy, the rules of its MSP and `template`, in a transaction of its own,
    because its rows belong to another account than the caller's. `scope` is the new client's. With `holds_values`,
    the values that its sources report are held until a baseline is accepted or skipped, or the client is live.

    Raises:
        SlugTaken: another client of the same MSP has the slug.
        InvalidInput: a part is malformed.
    """
    check_client(new)
    defaults = await read_msp_defaults(db, scope)
    async with db.transaction(scope) as session:
        now = clock()
        client = await accounts.create_client(
            session, name=new.name, slug=new.slug, currency=new.currency, language=new.language,
            time_zone=new.time_zone, region=new.region, environment=new.environment, now=now,
        )  # fmt: skip
        rules = inherit(starter_rules(str(scope.tenant_id)), defaults.rules)
        await publish_rules(session, scope, rules=rules, clock=clock, new_id=new_id)
        await schedule_rating(session, now + FIRST_RATING)
        await session.execute(
            text("""
                INSERT INTO onboarding (tenant_id, msp_id, started_at, started_by) VALUES (:t, :m, :now, :by)
            """),
            {"t": scope.tenant_id, "m": scope.msp_id, "now": now, "by": scope.actor.name},
        )
        if defaults.dashboard is not None:
            await copy_msp_default(session, defaults.dashboard, now=now)
        if defaults.ladder is not None:
            await copy_msp_ladder(session, defaults.ladder, now=now)
        if holds_values:
            await begin_hold(session, now=now)
        if template is not None:  # a new client has no connections, so no connectors are needed
            await apply_version(session, template, registry={}, now=now, new_id=new_id)
    await catch_up(db, scope, defaults, clock=clock, new_id=new_id)
    return client
