"""Random actions on a client cause only declared state transitions. Triggers of this test record all others."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from billing.states import INVOICES
from canonical.elements import COST, PRICE, STOCK
from connectors.connections import set_connection_state
from connectors.sandbox.faults import Faults
from connectors.states import CONNECTIONS, ConnectionState
from foundation.clock import utc_now
from foundation.errors import DomainError
from foundation.jobs.states import DEAD_LETTERS
from foundation.state_machine import StateMachine
from foundation.vault.rotation import rotate_data_key
from foundation.vault.states import DATA_KEYS
from governance.approvals.release import answer_change
from governance.baseline.start import discard_baseline, start_baseline
from governance.baseline.states import BASELINE_PARTS, BASELINES
from governance.changes.replay import replay_exception
from governance.changes.states import CHANGES
from governance.exceptions.lifecycle import close_exception
from governance.exceptions.states import EXCEPTIONS, ExceptionState
from governance.propagation.states import PROPAGATIONS
from policy.states import APPROVALS
from tenants.accounts import suspend_client
from tenants.states import CLIENTS, MEMBERS
from tests.conftest import Urls
from tests.connectors.running import RunningSandbox
from tests.governance.test_main_job import member_scope, seed
from tests.support.client_env import ClientEnv

TABLES: dict[str, tuple[StateMachine[Any], str]] = {
    "approval": (APPROVALS, "state"),
    "baseline": (BASELINES, "state"),
    "baseline_part": (BASELINE_PARTS, "state"),
    "change": (CHANGES, "state"),
    "client": (CLIENTS, "status"),
    "connection": (CONNECTIONS, "state"),
    "dead_letter": (DEAD_LETTERS, "state"),
    "governance_exception": (EXCEPTIONS, "state"),
    "invoice": (INVOICES, "state"),
    "member": (MEMBERS, "status"),
    "propagation": (PROPAGATIONS, "state"),
    "vault_key": (DATA_KEYS, "state"),
}
_TRIGGER = """
CREATE TABLE noted_transition (tenant_id uuid, name varchar, old varchar, new varchar);
GRANT INSERT ON noted_transition TO PUBLIC;
CREATE FUNCTION note_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO noted_transition VALUES (
        NEW.tenant_id, TG_ARGV[1], CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) ->> TG_ARGV[0] END,
        to_jsonb(NEW) ->> TG_ARGV[0]);
    RETURN NULL;
END $$;
"""
Step = Callable[[], Awaitable[object]]


@pytest.fixture
async def recording_transitions(urls: Urls) -> AsyncIterator[None]:
    """Record inserts and updates of states while the test runs."""
    with psycopg.connect(urls.owner, autocommit=True) as owner:
        owner.execute(_TRIGGER)
        for table, (_, column) in TABLES.items():
            owner.execute(
                f"CREATE TRIGGER note_transition AFTER INSERT OR UPDATE ON {table}"
                f" FOR EACH ROW EXECUTE FUNCTION note_transition('{column}', '{table}')"
            )
        yield
        for table in TABLES:
            owner.execute(f"DROP TRIGGER note_transition ON {table}")
        owner.execute("DROP FUNCTION note_transition; DROP TABLE noted_transition")


def noted(urls: Urls, tenant_id: UUID) -> set[tuple[str, str | None, str]]:
    with psycopg.connect(urls.owner) as owner:
        query = "SELECT DISTINCT name, old, new FROM noted_transition WHERE tenant_id = %s AND old IS DISTINCT FROM new"
        return {(name, old, new) for name, old, new in owner.execute(query, (tenant_id,))}


class Life:
    """A client on which random actions are performed."""

    def __init__(self, env: ClientEnv, sandbox: RunningSandbox, chance: random.Random) -> None:
        self.env, self.sandbox, self.chance = env, sandbox, chance
        self.services = env.services

    async def one(self, sql: str) -> Any:
        found = await self.env.rows(sql)
        return self.chance.choice(found)[0] if found else None

    async def do(self, act: Callable[..., Awaitable[object]], *arguments: object, **named: object) -> None:
        """Perform an action as a member; a refusal has no effect."""
        try:
            async with self.services.db.transaction(member_scope(self.env)) as session:
                await act(session, *arguments, **named)
        except DomainError:
            pass

    async def source_sends(self) -> None:
        element, amounts = self.chance.choice([
            (PRICE, [9_000, 10_100, 10_200, 30_000, 4_000]), (STOCK, [1, 5, 9]), (COST, [5_000, 6_000, 9_500]),
        ])  # fmt: skip
        sku = self.chance.choice(["SKU-001", "SKU-002"])
        await self.env.deliver(*(self.env.change(sku, element, self.chance.choice(amounts)) for _ in range(2)))

    async def someone_answers(self) -> None:
        change = await self.one("SELECT id FROM change WHERE state = 'awaiting_approval' ORDER BY id")
        if change is not None:
            await self.do(answer_change, change, grant=self.chance.random() < 0.7, reason="seen", now=utc_now())

    async def time_runs_out(self) -> None:
        await self.env.rows("UPDATE approval SET expires_at = now() WHERE state = 'pending' RETURNING 1")
        await self.env.rows("UPDATE timer SET due_at = now() WHERE name = 'governance.expire_approvals' RETURNING 1")

    async def channel_turns(self) -> None:
        channel = self.chance.choice(sorted(self.env.channels))
        self.sandbox.mend(self.env.urls[channel])
        if self.chance.random() < 0.5:
            fault = self.chance.choice([Faults(discard=1.0), Faults(outage=1.0), Faults(server_error=1.0)])
            self.sandbox.break_(self.env.urls[channel], fault)

    async def connection_turns(self) -> None:
        channel = self.env.channels[self.chance.choice(sorted(self.env.channels))]
        await self.do(set_connection_state, channel, state=self.chance.choice(list(ConnectionState)), now=utc_now())

    async def exception_ends(self) -> None:
        exception = await self.one("SELECT id FROM governance_exception WHERE state = 'open' ORDER BY id")
        if exception is not None:
            if self.chance.random() < 0.5:
                await self.do(replay_exception, exception, now=utc_now())
            else:
                await self.do(close_exception, exception, state=ExceptionState.DISCARDED, now=utc_now())

    async def baseline_turns(self) -> None:
        undecided = await self.one("SELECT id FROM baseline WHERE state IN ('reading', 'ready')")
        if undecided is None:
            await self.do(start_baseline, self.services.governance, now=utc_now())
        else:
            await self.do(discard_baseline, undecided, now=utc_now())

    async def key_turns(self) -> None:
        await self.do(rotate_data_key, self.services.vault)

    @property
    def steps(self) -> list[Step]:
        return [
            self.source_sends, self.source_sends, self.source_sends, self.someone_answers, self.someone_answers,
            self.time_runs_out, self.channel_turns, self.connection_turns, self.exception_ends, self.baseline_turns,
            self.key_turns,
        ]  # fmt: skip


@pytest.mark.parametrize("seed_of_chance", [20261129, 7])
async def test_only_declared_transitions_happen(
    env: ClientEnv, sandbox: RunningSandbox, urls: Urls, recording_transitions: None, seed_of_chance: int
) -> None:
    await seed(env)
    life = Life(env, sandbox, random.Random(seed_of_chance))
    for _ in range(30):
        await life.chance.choice(life.steps)()
        if life.chance.random() < 0.6:
            await env.work(settle=life.chance.choice([0.0, 0.3]))
    for url in env.urls.values():
        sandbox.mend(url)
    await env.rows("UPDATE job SET ready_at = now() RETURNING 1")
    await env.work(settle=2.0)
    await life.do(suspend_client, reason="unpaid", now=utc_now() + timedelta(minutes=1))
    found = noted(urls, env.scope.tenant_id)
    undeclared = {
        (name, old, new)
        for name, old, new in found
        if old is not None and old not in TABLES[name][0].before(TABLES[name][0].states(new))
    }
    assert undeclared == set()
    assert len({name for name, old, _ in found if old}) >= 5, "enough happened to judge by"
