"""A baseline from the first reading to the last read-back, on real systems."""

from datetime import timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from canonical.elements import COST, NAME, PRICE, STOCK
from connectors.sandbox.faults import Faults
from controlplane.provisioning import NewConnection, connect
from controlplane.services import Services
from foundation.audit.chain import verify_chain
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.errors import Forbidden, NotFound
from governance.approvals.release import answer_change
from governance.baseline.acceptance_repository import load_items
from governance.baseline.errors import BaselineUnderWay, NothingToRead
from governance.baseline.repository import put_items
from governance.baseline.start import discard_baseline, start_baseline
from governance.elements.publish_contract import publish_contract
from policy.errors import OwnApproval
from tests.conftest import Urls
from tests.connectors.running import RunningSandbox
from tests.governance.baseline.clients import (
    accept,
    comparisons,
    counts,
    member_scope,
    read,
    read_and_accept,
    set_in_erp,
    set_in_shop,
)
from tests.support.as_owner import delete_as_owner
from tests.support.client_env import ClientEnv, build_client_env
from tests.support.values import minor

SKUS = 20


async def test_equal_values_are_approved_and_verified_without_a_push(env: ClientEnv, sandbox: RunningSandbox) -> None:
    baseline = await read_and_accept(env)
    assert await counts(env, baseline) == {
        "state": "accepted", "accepted": 3 * SKUS, "proven": 4 * SKUS, "automatic": 0, "awaiting": 0, "refused": 0,
        "overtaken": 0,
    }  # fmt: skip
    assert await env.rows("SELECT count(*) FROM change") == [(0,)]
    assert await env.rows("SELECT count(*) FROM propagation") == [(0,)]
    assert await env.rows("SELECT count(*) FROM usage_event") == [(0,)]
    approved = "SELECT count(*) FROM record_value WHERE value = source_value"
    assert await env.rows(approved) == [(3 * SKUS,)]
    shown = await env.rows(
        "SELECT count(*), count(c.change_id) FROM channel_value c"
        " JOIN record_value v USING (tenant_id, record_key, element)"
        " WHERE c.value = v.value AND c.version = v.version"
    )
    assert shown == [(4 * SKUS, 0)]
    for name in ("shop0", "market1"):
        assert sandbox.effects(env.urls[name])["received"] == 0


async def test_a_system_that_owns_one_element_is_compared_for_those_of_others(env: ClientEnv) -> None:
    shop = env.channels["shop0"]
    async with env.services.db.transaction(env.scope) as session:
        await publish_contract(
            session, element=NAME, source_connection_id=shop, owner="Catalogue", now=utc_now(),
            propagation_slo=timedelta(minutes=1), correction_slo=timedelta(hours=2),
        )  # fmt: skip
    set_in_shop(env, version=7, SKU_001=1_060)
    baseline = await read(env)
    parts = "SELECT connection_id, role, state, equal, differs FROM baseline_part WHERE baseline_id = :b"
    found = {tuple(row) for row in await env.rows(parts, b=baseline)}
    assert {row[:3] for row in found} == {
        (env.erp, "source", "read"), (shop, "source", "read"), (shop, "channel", "read"),
        (env.channels["market1"], "channel", "read"),
    }  # fmt: skip
    assert {row[3:] for row in found if row[:2] == (shop, "source")} == {(0, 0)}
    assert {row[3:] for row in found if row[:2] == (shop, "channel")} == {(2 * SKUS - 1, 1)}
    assert await comparisons(env, baseline, "shop0") == {"equal": 2 * SKUS - 1, "differs": 1}
    assert await env.rows(
        "SELECT count(*) FROM baseline_reading WHERE connection_id = :c AND element = :e", c=shop, e=NAME
    ) == [(0,)], "never with its own values"
    await accept(env, baseline)
    await env.work(until=f"SELECT state = 'accepted' FROM baseline WHERE id = '{baseline}'")


PRICES = (
    "SELECT record_key, minor(value) FROM record_value"
    " WHERE element = 'price.list' AND record_key = ANY (:keys) ORDER BY 1"
)
CHANGES = (
    "SELECT record_key, minor(old_value), minor(new_value), outcome, state, targets FROM change ORDER BY record_key"
)
SHOWN = (
    "SELECT minor(value) FROM channel_value WHERE record_key = :sku AND element = 'price.list' AND connection_id = :c"
)
DIFFERENT = ("SKU-001", "SKU-002", "SKU-003")


async def differ(env: ClientEnv) -> None:
    """Three prices that policy passes, sends for approval and refuses; the market shows the ERP's own price of the
    first two.
    """
    set_in_erp(env, SKU_001=1_100, SKU_002=1_200, SKU_003=400)
    set_in_shop(env, version=7, SKU_001=1_060, SKU_002=1_000, SKU_003=1_300)


async def test_the_comparison_foresees_the_three_answers_of_policy(env: ClientEnv) -> None:
    await differ(env)
    baseline = await read(env)
    foreseen = await env.rows(
        "SELECT record_key, minor(value), outcome, below_cost FROM baseline_reading"
        " WHERE comparison = 'differs' AND connection_id = :c ORDER BY record_key",
        c=env.channels["shop0"],
    )
    assert foreseen == [
        ("SKU-001", 1_060, "auto", False),
        ("SKU-002", 1_000, "review", False),
        ("SKU-003", 1_300, "refuse", True),
    ]
    assert await comparisons(env, baseline, "shop0") == {"equal": 2 * SKUS - 3, "differs": 3}
    assert await comparisons(env, baseline, "market1") == {"equal": 2 * SKUS - 1, "differs": 1}
    for table in ("record_value", "change", "channel_value", "propagation"):
        assert await env.rows(f"SELECT count(*) FROM {table}") == [(0,)], "reading alone has changed something"


async def test_differences_become_changes_from_the_channels_value(env: ClientEnv) -> None:
    await differ(env)
    baseline = await read_and_accept(env)
    shop = env.channels["shop0"]
    assert await env.rows(CHANGES) == [
        ("SKU-001", 1_060, 1_100, "auto", "released", [shop]),
        ("SKU-002", 1_000, 1_200, "review", "awaiting_approval", [shop]),
        ("SKU-003", 1_300, 400, "refuse", "refused", None),
    ]
    made = await counts(env, baseline)
    assert (made["automatic"], made["awaiting"], made["refused"]) == (1, 1, 1)
    # A value that is not approved has no effect: the next value is compared with what buyers see.
    assert await env.rows(PRICES, keys=list(DIFFERENT)) == [
        ("SKU-001", 1_100), ("SKU-002", 1_000), ("SKU-003", 1_300),
    ]  # fmt: skip
    assert [await env.rows(SHOWN, sku=sku, c=shop) for sku in DIFFERENT] == [[(1_100,)], [(1_000,)], [(1_300,)]]
    assert await env.rows("SELECT code, record_key FROM governance_exception") == [("change.refused", "SKU-003")]
    linked = (
        "SELECT count(*) FROM baseline_reading r JOIN change c ON c.id = r.change_id WHERE r.comparison = 'differs'"
    )
    assert await env.rows(linked) == [(4,)]


async def test_a_person_approves_the_large_difference_for_the_channel_that_differs(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    await differ(env)
    await read_and_accept(env)
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
    async with env.services.db.transaction(member_scope(env, "Ana")) as session:
        await answer_change(session, UUID(str(change_id)), grant=True, reason="fine", now=utc_now())
    await env.work(settle=20.0)
    states = "SELECT connection_id, state, minor(previous_value) FROM propagation WHERE change_id = :c"
    assert await env.rows(states, c=change_id) == [(env.channels["shop0"], "verified", 1_000)]
    assert await env.rows(PRICES, keys=["SKU-002"]) == [("SKU-002", 1_200)]
    assert await env.rows("SELECT code FROM governance_exception") == [("change.refused",)]
    assert sandbox.effects(env.urls["market1"])["received"] == 0


async def test_the_accepter_cannot_approve_resulting_changes(env: ClientEnv) -> None:
    await differ(env)
    nora = member_scope(env)
    await accept(env, await read(env), by=nora)
    await env.work()
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
    async with env.services.db.transaction(nora) as session:
        with pytest.raises(OwnApproval):
            await answer_change(session, UUID(str(change_id)), grant=True, reason="mine", now=utc_now())


async def test_after_a_refused_difference_the_next_value_is_compared_with_the_channel(env: ClientEnv) -> None:
    await differ(env)
    await read_and_accept(env)
    newer = int(utc_now().timestamp() * 1_000_000)
    await env.deliver(env.change("SKU-002", PRICE, 1_210, version=newer))
    await env.work(settle=0.5)
    found = await env.rows("SELECT minor(old_value), outcome FROM change WHERE minor(new_value) = 1210")
    assert found == [(1_000, "review")]


async def test_a_second_baseline_of_an_unchanged_client_makes_nothing(env: ClientEnv) -> None:
    await differ(env)
    await read_and_accept(env)
    watched = "SELECT md5(string_agg(r::text, '|' ORDER BY r::text)) FROM {} r"
    tables = (
        "record_value",
        "change",
        "propagation",
        "approval",
        "governance_exception",
        "usage_event",
        "source_event",
    )
    before = {table: await env.rows(watched.format(table)) for table in tables}
    second = await read_and_accept(env)
    assert {table: await env.rows(watched.format(table)) for table in tables} == before
    made = await counts(env, second)
    assert {name: made[name] for name in ("accepted", "automatic", "awaiting", "refused", "overtaken")} == {
        "accepted": 0, "automatic": 0, "awaiting": 0, "refused": 0, "overtaken": 0,
    }  # fmt: skip
    assert made["state"] == "accepted"


async def test_values_of_one_side_are_listed_and_unchanged(
    services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox
) -> None:
    env = await build_client_env(
        services, relay_db, urls.intake, sandbox, skus=SKUS, shop_skus=SKUS - 4, market_skus=SKUS + 3
    )
    set_in_erp(env, SKU_018=300)  # below its cost, and on the market only
    set_in_erp(env, SKU_019=1_000)
    baseline = await read_and_accept(env)
    assert await comparisons(env, baseline, "shop0") == {"equal": 2 * (SKUS - 4), "source_only": 8}
    assert await comparisons(env, baseline, "market1") == {"equal": 2 * SKUS - 2, "differs": 2, "channel_only": 6}
    assert await env.rows("SELECT count(*) FROM record_value WHERE record_key > 'SKU-019'") == [(0,)]
    assert sandbox.effects(env.urls["shop0"])["received"] == 0
    await env.close()


async def test_a_value_no_channel_has_is_approved_unless_policy_never_lets_it_pass(
    services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox
) -> None:
    env = await build_client_env(services, relay_db, urls.intake, sandbox, skus=3, shop_skus=0, channels=1)
    set_in_erp(env, SKU_002=300)
    await read_and_accept(env)
    assert await env.rows(PRICES, keys=["SKU-001", "SKU-002"]) == [("SKU-001", 1_100), ("SKU-002", None)]
    assert await env.rows("SELECT record_key, state FROM change") == [("SKU-002", "refused")]
    assert await env.rows("SELECT count(*) FROM propagation") == [(0,)]
    await read_and_accept(env)
    assert await env.rows("SELECT count(*) FROM change") == [(1,)]
    assert await env.rows("SELECT occurrences FROM governance_exception") == [(1,)]
    await env.close()


async def test_first_prices_that_wait_for_a_person_no_longer_do(env: ClientEnv) -> None:
    """Webhooks arrived before the baseline: without a previous value every price needed approval."""
    await env.deliver(env.change("SKU-001", COST, 500), env.change("SKU-001", PRICE, 1_100))
    await env.work()
    assert await env.rows("SELECT state FROM change") == [("awaiting_approval",)]
    await read_and_accept(env)
    assert await env.rows("SELECT c.state, a.state FROM change c JOIN approval a ON a.id = c.approval_id") == [
        ("superseded", "withdrawn")
    ]
    assert await env.rows(PRICES, keys=["SKU-001"]) == [("SKU-001", 1_100)]
    await env.deliver(env.change("SKU-001", PRICE, 1_120))
    await env.work(settle=20.0)
    assert await env.rows("SELECT minor(old_value), outcome FROM change WHERE minor(new_value) = 1120") == [
        (1_100, "auto")
    ]


async def test_a_newer_value_is_not_overwritten(env: ClientEnv) -> None:
    baseline = await read(env)
    await env.deliver(env.change("SKU-001", COST, 500), env.change("SKU-001", PRICE, 2_000))
    await env.work()
    await accept(env, baseline)
    await env.work(settle=0.5)
    assert (await counts(env, baseline))["overtaken"] == 1
    assert await env.rows("SELECT minor(source_value), minor(value) FROM record_value WHERE record_key = 'SKU-001'"
                            " AND element = 'price.list'") == [(2_000, None)]  # fmt: skip
    assert await env.rows("SELECT minor(new_value), state FROM change") == [(2_000, "awaiting_approval")]


async def test_values_a_channel_lost_are_found_by_the_next_baseline(env: ClientEnv) -> None:
    await read_and_accept(env)
    set_in_shop(env, version=1, SKU_001=1_120, SKU_002=2_000)
    await read_and_accept(env)
    shop = env.channels["shop0"]
    assert await env.rows(CHANGES) == [
        ("SKU-001", 1_120, 1_100, "auto", "released", [shop]),
        ("SKU-002", 2_000, 1_200, "review", "awaiting_approval", [shop]),
    ]
    assert await env.rows(SHOWN, sku="SKU-001", c=shop) == [(1_100,)]
    await read_and_accept(env)
    assert len(await env.rows(CHANGES)) == 2


async def test_the_act_is_one_decision_and_one_entry_and_links_back_to_the_bytes(env: ClientEnv) -> None:
    nora = member_scope(env)
    baseline = await read(env)
    await accept(env, baseline, by=nora)
    await env.work(settle=0.5)
    entries = await env.rows(
        "SELECT body::json -> 'actor' ->> 'id', body::json -> 'data' ->> 'baseline', body::json -> 'data' ->> 'equal'"
        " FROM audit_entry WHERE action = 'baseline.accepted'"
    )
    assert entries == [(nora.actor.id, str(baseline), str(4 * SKUS))]
    actions = {str(action) for (action,) in await env.rows("SELECT action FROM audit_entry")}
    assert {action for action in actions if action.startswith(("baseline.", "change."))} == {
        "baseline.started", "baseline.accepted",
    }  # fmt: skip
    assert await env.rows("SELECT decided_by_id, decided_by FROM baseline") == [(nora.actor.id, "Nora")]
    lineage = await env.rows(
        "SELECT e.via, convert_from(e.body, 'UTF8')::json ->> 'sku' FROM record_value v"
        " JOIN source_event e ON e.id = v.source_event_id WHERE v.record_key = 'SKU-003' AND v.element = 'price.list'"
    )
    assert lineage == [("baseline", "SKU-003")]
    async with env.services.db.transaction(env.scope) as session:
        assert (await verify_chain(session)).broken_at is None


async def test_an_unreadable_item_is_stored_and_the_rest_is_read(env: ClientEnv, sandbox: RunningSandbox) -> None:
    sandbox.break_(env.urls["erp"], Faults(renamed_fields={"amount": "amonut"}))
    baseline = await read(env)
    assert await env.rows("SELECT count(*) FROM baseline_item WHERE value IS NOT NULL") == [(0,)]
    assert await env.rows("SELECT count(*) FROM governance_exception WHERE code = 'source.quarantined'") == [
        (3 * SKUS,)
    ]
    assert (await counts(env, baseline))["state"] == "ready"


async def test_an_unreachable_channel_is_retried_and_the_page_shows_why(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    sandbox.break_(env.urls["shop0"], Faults(server_error=1.0))
    async with env.services.db.transaction(member_scope(env)) as session:
        await start_baseline(session, env.services.governance, now=utc_now())
    await env.work()
    parts = "SELECT state, error FROM baseline_part WHERE connection_id = :c"
    ((state, error),) = await env.rows(parts, c=env.channels["shop0"])
    assert (state, bool(error)) == ("listing", True)
    assert await env.rows("SELECT state FROM baseline") == [("reading",)]
    sandbox.mend(env.urls["shop0"])
    await env.work(until="SELECT state = 'ready' FROM baseline")
    assert await env.rows(parts, c=env.channels["shop0"]) == [("read", None)]


async def test_only_members_accept_and_only_ready_baselines(env: ClientEnv) -> None:
    async with env.services.db.transaction(member_scope(env)) as session:
        baseline = await start_baseline(session, env.services.governance, now=utc_now())
    with pytest.raises(BaselineUnderWay):
        await accept(env, baseline)
    await env.work()
    with pytest.raises(Forbidden):
        await accept(env, baseline, by=env.scope)
    await accept(env, baseline)
    with pytest.raises(BaselineUnderWay):
        await accept(env, baseline)
    async with env.services.db.transaction(member_scope(env)) as session:
        with pytest.raises(BaselineUnderWay):
            await start_baseline(session, env.services.governance, now=utc_now())


async def test_a_new_baseline_replaces_an_undecided_one(env: ClientEnv) -> None:
    first = await read(env)
    second = await read(env)
    assert (await counts(env, first))["state"] == "discarded"
    async with env.services.db.transaction(member_scope(env)) as session:
        await discard_baseline(session, second, now=utc_now())
    await env.work()
    assert await env.rows("SELECT count(*) FROM record_value") == [(0,)]


async def test_another_client_sees_and_decides_nothing_of_it(env: ClientEnv, other_env: ClientEnv) -> None:
    baseline = await read(env)
    for table in ("baseline", "baseline_part", "baseline_item", "baseline_reading"):
        assert await env.rows(f"SELECT count(*) > 0 FROM {table}") == [(True,)]
        assert await other_env.rows(f"SELECT count(*) FROM {table}") == [(0,)]
    with pytest.raises(NotFound):
        await accept(other_env, baseline)
    await accept(env, baseline)
    await env.work()
    assert await other_env.rows("SELECT count(*) FROM record_value") == [(0,)]


async def test_each_value_is_read_from_its_owner_only(env: ClientEnv, sandbox: RunningSandbox) -> None:
    """Two systems that both report prices and costs."""
    url = sandbox.add("sandbox-erp", skus=SKUS)
    books = NewConnection("sandbox-erp", "Books", url, secrets={"webhook_secret": env.hook_secret})
    second = await connect(env.services, env.scope, books)
    day = timedelta(days=1)
    async with env.services.db.transaction(env.scope) as session:
        await publish_contract(
            session, element=COST, source_connection_id=second, owner="Finance", propagation_slo=day,
            correction_slo=day, now=utc_now(),
        )  # fmt: skip
    await read(env)
    taken = await env.rows("SELECT element, connection_id, count(*) FROM baseline_item GROUP BY 1, 2 ORDER BY 1")
    assert taken == [(COST, second, SKUS), (PRICE, env.erp, SKUS), (STOCK, env.erp, SKUS)]


async def test_the_newer_of_two_readings_of_a_value_is_used(env: ClientEnv) -> None:
    baseline = await read(env)
    async with env.services.db.transaction(env.scope) as session:
        [price] = [one for one in await load_items(session, baseline, ["SKU-001"]) if one.element == PRICE]
        for version, amount, stands in ((-1, 1, price.value), (0, 2, price.value), (1, 3, minor(3))):
            other = replace(price, value=minor(amount), source_version=(price.source_version or 0) + version)
            await put_items(session, baseline, [other])
            found = await load_items(session, baseline, ["SKU-001"])
            assert [one.value for one in found if one.element == PRICE] == [stands]


async def test_without_contracts_there_is_nothing_to_read(env: ClientEnv) -> None:
    delete_as_owner(env, "element_contract")
    async with env.services.db.transaction(member_scope(env)) as session:
        with pytest.raises(NothingToRead):
            await start_baseline(session, env.services.governance, now=utc_now())
