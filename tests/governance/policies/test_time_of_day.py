"""Rules about the time of day and the day of the week, in the client's time zone."""

from datetime import UTC, datetime

from sqlalchemy import text

from canonical.elements import PRICE
from governance.policies.form import read_fields, write_fields
from governance.records.account_time import load_time_facts
from policy.publishing import load_index
from policy.rule_form import RuleForm, RuleOutcome
from policy.terms import Term, TermKind
from tests.governance.policies.test_inherited_policy import put
from tests.support.client_env import ClientEnv

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
NEVER = RuleForm(element=PRICE, outcome=RuleOutcome.REFUSE, terms=(Term(TermKind.HOUR, "less_than", ("0",)),))
"""A rule that never applies. Without the fact it could not be evaluated, and would refuse."""


async def zone_set(env: ClientEnv, zone: str) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text("UPDATE client SET time_zone = :z WHERE tenant_id = :t"), {"z": zone, "t": env.scope.tenant_id}
        )


async def facts(env: ClientEnv) -> object:
    async with env.services.db.transaction(env.scope) as session:
        return await load_time_facts(session, await load_index(session, env.scope), MIDNIGHT)


async def test_the_time_is_read_where_a_rule_names_it_in_the_clients_zone(env: ClientEnv, other_env: ClientEnv) -> None:
    await zone_set(env, "Asia/Tokyo")
    assert await facts(env) == {}
    await put(env, env.scope, NEVER)
    await put(other_env, other_env.scope, NEVER)
    assert await facts(env) == {"hour": 9, "weekday": "monday"}
    assert await facts(other_env) == {"hour": 0, "weekday": "monday"}
    await env.deliver(env.change("SKU-1", PRICE, 10_000))
    await env.work(until="SELECT count(*) = 1 FROM change")
    assert await env.rows("SELECT count(*) FROM change WHERE outcome = 'refuse'") == [(0,)]


def test_the_form_has_both_limits_and_a_box_for_each_day() -> None:
    form = RuleForm(
        element=PRICE, outcome=RuleOutcome.REVIEW,
        terms=(
            Term(TermKind.HOUR, "at_least", ("8",)), Term(TermKind.HOUR, "less_than", ("18",)),
            Term(TermKind.WEEKDAY, "none_of", ("saturday", "sunday")),
        ),
    )  # fmt: skip
    fields = write_fields(form)
    assert fields is not None
    assert fields.items() >= {"hour": "8", "hour_2": "18", "weekday_sunday": "on", "weekday_how": "none_of"}.items()
    assert read_fields(fields) == form
