"""Decisions reserved for people, on every path to a decision; restoring an approved value is a person's act."""

from msgspec import structs

from canonical.elements import PRICE
from foundation.clock import utc_now
from governance.changes.planner import BASELINE, ROLLBACK, SOURCE, decide_change
from governance.elements.publish_contract import publish_new_contract
from governance.elements.schemas import NewContract, Sensitivity, Workflow
from policy.rules import PolicyOutcome
from tests.governance.test_main_job import seed
from tests.policy.test_kept import everything_passes
from tests.support.client_env import ClientEnv


def test_only_a_restored_value_passes_by_a_rule() -> None:
    index = everything_passes("policy.terms", "product.name")
    found = {
        origin: decide_change(index, origin, "policy.terms", {}).outcome
        for origin in (SOURCE, BASELINE, "proposal", ROLLBACK)
    }
    assert found == {
        SOURCE: PolicyOutcome.REVIEW, BASELINE: PolicyOutcome.REVIEW, "proposal": PolicyOutcome.REVIEW,
        ROLLBACK: PolicyOutcome.AUTO,
    }  # fmt: skip
    assert decide_change(index, SOURCE, "product.name", {}).outcome is PolicyOutcome.AUTO


async def test_a_contract_can_require_approval_of_every_change(env: ClientEnv) -> None:
    await seed(env)
    registry = env.services.governance.runtime.registry
    new = NewContract(element=PRICE, source_connection_id=env.erp, owner="Pricing", workflow=Workflow.ALWAYS_APPROVE)
    async with env.services.db.transaction(env.scope) as session:
        await publish_new_contract(session, registry, new, now=utc_now())
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work(settle=0.5)
    decided = "SELECT outcome, reason ->> 'code' FROM change WHERE minor(new_value) = :amount"
    assert await env.rows(decided, amount=10_100) == [("review", "policy.kept_workflow")]
    back = structs.replace(new, workflow=Workflow.POLICY)
    async with env.services.db.transaction(env.scope) as session:
        await publish_new_contract(session, registry, back, now=utc_now())
    assert await env.rows(decided, amount=10_100) == [("review", "policy.kept_workflow")]  # it stays pending
    await env.deliver(env.change("SKU-001", PRICE, 10_050))
    await env.work(settle=0.5)
    assert await env.rows(decided, amount=10_050) == [("auto", "text")]


async def test_a_small_change_of_a_regulated_product_needs_a_person(env: ClientEnv) -> None:
    await seed(env)
    await seed(env, sku="SKU-002")
    new = NewContract(
        element=PRICE, selector="record_key=SKU-001*", source_connection_id=env.erp, owner="Pricing",
        sensitivity=Sensitivity.REGULATED,
    )  # fmt: skip
    async with env.services.db.transaction(env.scope) as session:
        await publish_new_contract(session, env.services.governance.runtime.registry, new, now=utc_now())
    await env.deliver(env.change("SKU-001", PRICE, 10_100), env.change("SKU-002", PRICE, 10_100))
    await env.work(settle=0.5)
    assert await env.rows(
        "SELECT record_key, outcome, reason ->> 'code' FROM change WHERE minor(new_value) = 10100 ORDER BY record_key"
    ) == [("SKU-001", "review", "policy.kept_regulated"), ("SKU-002", "auto", "text")]
