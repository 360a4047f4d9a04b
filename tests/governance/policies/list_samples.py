"""Rows of this slice's lists, for the tests of every list."""

from dataclasses import replace

from canonical.elements import PRICE
from foundation.clock import utc_now
from foundation.ids import new_id
from policy.inheritance import omit
from policy.publishing import publish_rules
from policy.rules import PolicyRule, RuleKind
from tenants.accounts import create_client
from tests.support.list_rows import ListSample, Matches, Rows


async def add_override(rows: Rows, number: int) -> Matches:
    """A client that replaces the MSP's rule, or omits it."""
    scope = rows.env.msp_account.for_tenant(new_id())
    name, slug = rows.name(number), f"{rows.tag.lower()}-{number}-{new_id().hex[-6:]}"
    base = PolicyRule(id=f"rule-{number}", ptype=RuleKind.GOVERNANCE, sub="*", dom="", obj=PRICE, act="refuse")
    async with rows.db.transaction(scope) as session:
        await create_client(session, name=name, slug=slug, currency="EUR", now=utc_now())
        own = omit(base) if number % 2 else replace(base, act="review", overrides=base)
        await publish_rules(
            session, scope, rules=[replace(own, dom=str(scope.tenant_id))], clock=utc_now, new_id=new_id
        )
    return {"override": ["omits" if number % 2 else "replaces"], "search": [name]}


SAMPLES: dict[str, ListSample] = {"policy-overrides": add_override}
TESTED_ELSEWHERE = {"replay-differences": "tests/governance/pages/test_policies.py: its address names a replay"}
