"""A month's deliveries against their targets, in the form that billing reads."""

from datetime import timedelta
from decimal import Decimal

from billing.periods import month_before, month_of
from billing.sla.credits import load_service_levels, set_sla_terms
from billing.sla.terms import SlaTermsInput, parse_bands
from foundation.clock import utc_now
from governance.slo.attainment import assess_month
from tests.governance.pages.samples import Sample
from tests.support.client_env import ClientEnv


async def test_the_month_before_is_measured_once_with_its_late_deliveries(env: ClientEnv, other_env: ClientEnv) -> None:
    this = month_of(utc_now())
    now, before = this.start + timedelta(days=2), month_before(this.start)
    for one in (env, other_env):
        sample = Sample(one.services.db, one.scope, before.start + timedelta(days=9))
        sample.source, sample.channels = one.erp, one.channels
        sample.partners = dict.fromkeys(one.channels.values())
        channel = next(iter(one.channels))
        made = [await sample.change(f"SKU-{n}", 1000, 1040, states={channel: "verified"}) for n in range(3)]
        late = await sample.change("SKU-9", 1000, 1040, states={channel: "verified"}, took=3600)
        await sample.change("SKU-8", 1000, 1040, states={channel: "superseded"}, took=3600)
    assert len(made) == 3
    async with other_env.services.db.transaction(other_env.scope) as session:
        terms = SlaTermsInput(parse_bands("99=5"), from_month=f"{before.start:%Y-%m}")
        await set_sla_terms(session, terms, now=now)
        await assess_month(session, this.start + timedelta(hours=1))
        assert (await load_service_levels(session)).months == [], "its last deliveries may still settle"
        await assess_month(session, now)
        await assess_month(session, now + timedelta(hours=1))
        [month] = (await load_service_levels(session)).months
    assert (month.deliveries, month.late, month.attained_pct, month.credit_pct) == (4, 1, Decimal(75), Decimal(5))
    assert [one.change_id for one in month.breaches] == [late]
    async with env.services.db.transaction(env.scope) as session:
        await assess_month(session, now)
        assert (await load_service_levels(session)).months == [], "it has no terms"
