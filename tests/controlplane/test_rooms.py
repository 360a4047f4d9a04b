"""A room is one entry in the product's list: all parts of the example room work, isolated by tenant."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from controlplane.cli.host import add_room_commands, build_host
from controlplane.jobs import build_jobs
from controlplane.migrate import migrate_schema
from controlplane.provisioning import NewAccountMember, add_member, onboard_client, onboard_msp
from controlplane.rooms import ROOMS
from controlplane.services import Services, build_services
from foundation.clock import utc_now
from foundation.commands import NounGroup
from foundation.database.engine import Database, scope_of
from foundation.database.rls import protect
from foundation.events import DomainEvent, publish
from foundation.ids import new_id
from foundation.jobs.repair import REPAIR
from foundation.jobs.types import NoPayload
from foundation.jobs.worker import LaneWorker
from foundation.rooms import Room, Rooms
from foundation.scope import Scope
from foundation.settings import Settings
from foundation.vault.envelope import key_id_of
from foundation.vault.rotation import reencrypt, rotate_data_key
from governance.retention.plan import plan_retention
from policy.publishing import publish_rules
from policy.rules import PolicyRule, RuleKind
from tests.conftest import VAULT_KEYS, Urls
from tests.connectors.running import RunningSandbox
from tests.connectors.translation.shipments import SHIPMENT, shipment
from tests.controlplane.example_room.models import CREATE
from tests.controlplane.example_room.room import COUNT, METER, NOTED, ROOM, list_notes
from tests.support.client_env import ClientEnv, build_client_env
from tests.support.databases import another_database
from tests.support.owned_tables import owned_tables
from tests.support.servers import Servers
from tests.support.web_app import PASSWORD, brand_of, running_web_app, set_up_msp

EVERY_ROOM = Rooms((*ROOMS, ROOM))
SECRET = b"a secret of the tests, 32 bytes long"


@pytest.fixture(scope="module")
def there(servers: Servers, urls: Urls) -> Iterator[Urls]:
    """A database with the example room's table, which only its own migration would create."""
    with another_database(servers.admin_url, urls) as found:
        migrate_schema(found.owner)
        with psycopg.connect(found.owner) as connection:
            connection.execute(CREATE)
            protect(connection, "example_note", app="SELECT, INSERT, UPDATE (sealed)")
        yield found


@pytest.fixture
async def services(there: Urls) -> AsyncIterator[Services]:
    settings = Settings(
        owner_url=there.owner,
        app_url=there.app,
        intake_url=there.intake,
        relay_url=there.relay,
        redis_url=there.redis,
        vault_keys=VAULT_KEYS,
        secret_key=SECRET,
        outbound_allowed="127.0.0.0/8",
    )
    built = build_services(settings, rooms=EVERY_ROOM)
    yield built
    await built.close()


async def a_client(services: Services) -> tuple[Scope, Scope, str]:
    """The MSP's scope, its client's scope, and the client's short name."""
    name = new_id().hex[-8:]
    msp = await onboard_msp(services, name="MSP", slug=f"msp-{name}")
    return msp, await onboard_client(services, msp, name="Client", slug=f"c-{name}", currency="EUR"), f"c-{name}"


async def write_note(services: Services, scope: Scope, note: str, *, sealed: bytes | None = None) -> UUID:
    async with services.db.transaction(scope) as session:
        binds = {"t": scope.tenant_id, "m": scope.msp_id, "id": new_id(), "text": note, "now": utc_now()}
        cipher = None if sealed is None else await services.vault.encrypt(session, f"note:{binds['id']}", sealed)
        await session.execute(
            text("INSERT INTO example_note VALUES (:t, :m, :id, :text, :sealed, :now)"), {**binds, "sealed": cipher}
        )
        publish(session, DomainEvent(NOTED, UUID(str(binds["id"])), utc_now(), NoPayload()))
    return UUID(str(binds["id"]))


async def work(services: Services, relay_url: str, scope: Scope) -> None:
    relay_db = Database(relay_url, pool_size=1)
    worker = LaneWorker(
        services.db, services.ready_queue, build_jobs(services), pool="shared", metrics=services.lane_metrics, lease=60
    )
    async with asyncio.timeout(120):
        while due := await _due(relay_db, scope):
            for lane in due:
                await worker.run_lane(scope.msp_id, scope.tenant_id, lane)
    await relay_db.close()


async def _due(relay_db: Database, scope: Scope) -> list[str]:
    async with relay_db.transaction(None) as session:
        await session.execute(text("SELECT timers_fire()"))
    async with relay_db.transaction(None) as session:
        rows = await session.execute(text("SELECT * FROM lanes_due()"))
        return [row.name for row in rows if row.tenant_id == scope.tenant_id]


async def test_its_page_route_permission_and_menu_entry(services: Services, tmp_path: Path) -> None:
    msp, client, slug = await a_client(services)
    _, other, _ = await a_client(services)
    await write_note(services, client, "ours")
    await write_note(services, other, "theirs")
    host = await brand_of(services, msp, name="Calm Harbour")
    for role in ("client_approver", "client_viewer"):
        member = NewAccountMember(f"{role}@{slug}.test", role, PASSWORD, role)
        await add_member(services, client, member)
    async with running_web_app(services, tmp_path / "static") as web_app:
        approver = await web_app.signed_in(host, f"client_approver@{slug}.test")
        page = await approver.get(f"/clients/{slug}/notes")
        assert (page.status_code, "ours" in page.text, "theirs" in page.text) == (200, True, False)
        assert f'<a href="/clients/{slug}/notes">Notes 1</a>' in page.text
        assert (await approver.api("GET", f"/api/v1/clients/{slug}/notes")).json() == {"items": ["ours"]}
        viewer = await web_app.signed_in(host, f"client_viewer@{slug}.test")
        assert (await viewer.get(f"/clients/{slug}/notes")).status_code == 403
        assert "/notes" not in (await viewer.get(f"/clients/{slug}/changes")).text


async def test_a_client_can_grant_a_rooms_permission_to_its_own_roles(services: Services) -> None:
    _, client, _ = await a_client(services)
    rule = PolicyRule("note", RuleKind.PERMISSION, "clerk", "", "note", "read", description="Clerks read notes.")
    async with services.db.transaction(client) as session:
        version = await publish_rules(
            session, client, rules=[rule], clock=utc_now, new_id=new_id, packaged=services.policies.packaged
        )
        assert (await services.policies.index_for(session, client)).version == version


async def test_its_event_becomes_its_job_which_counts_on_its_meter(services: Services, there: Urls) -> None:
    _, client, _ = await a_client(services)
    _, other, _ = await a_client(services)
    note = await write_note(services, client, "counted")
    await work(services, there.relay, client)
    used = text("SELECT id, meter FROM usage_event WHERE tenant_id = :t")
    for scope, expected in ((client, [(note, METER.name)]), (other, [])):
        async with services.db.transaction(scope) as session:
            assert [tuple(row) for row in await session.execute(used, {"t": scope.tenant_id})] == expected
    assert services.rooms.meters.require(METER.name).label == "Notes"


@pytest.fixture
async def before(there: Urls, services: Services, sandbox: RunningSandbox) -> AsyncIterator[ClientEnv]:
    """A client of the product without the room, on the room's database."""
    product = build_services(services.settings)
    relay_db = Database(there.relay, pool_size=1)
    env = await build_client_env(product, relay_db, there.intake, sandbox)
    yield env
    await env.close()
    await relay_db.close()
    await product.close()


async def test_it_gets_the_messages_that_it_subscribes_to_also_those_from_before_it_was_there(
    services: Services, there: Urls, before: ClientEnv, tmp_path: Path
) -> None:
    await before.deliver(shipment(before, "S1"), shipment(before, "S2"))
    await before.work()
    msp_setup = await set_up_msp(before, name="Calm Harbour")
    await before.deliver(shipment(before, "S3"))
    await work(services, there.relay, before.scope)
    assert await _notes(services, before.scope) == ["S3"]
    form = {"connection_id": str(before.erp), "message_type": SHIPMENT}
    async with running_web_app(services, tmp_path / "static") as web_app:
        admin = await web_app.signed_in(msp_setup.host, msp_setup.admin)
        page = f"/clients/{msp_setup.slug}/unclaimed-messages"
        assert "replay-1" in (await admin.get(page)).text
        replayed = await admin.api("POST", f"/api/v1{page}/replay", form)
        assert (replayed.status_code, replayed.json()) == (202, {"replayed": 1, "remaining": 0})
        assert (await admin.post(f"{page}/replay", form)).status_code == 303
        await work(services, there.relay, before.scope)
        assert (await admin.api("GET", f"/api/v1{page}")).json() == {"items": []}
        assert (await admin.post(f"{page}/replay", form)).status_code == 404
    assert await _notes(services, before.scope) == ["S1", "S2", "S3"]
    assert [one.state for one in await before.exceptions()] == ["resolved"]


async def _notes(services: Services, scope: Scope) -> list[str]:
    async with services.db.transaction(scope) as session:
        return await list_notes(session)


async def test_its_timer_is_repaired(services: Services) -> None:
    _, client, _ = await a_client(services)
    repair = build_jobs(services)[REPAIR.name]
    batch = _Batch(services, client)
    await repair.handle(batch)  # type: ignore[arg-type]
    async with services.db.transaction(client) as session:
        found = await session.scalar(
            text("SELECT kind FROM timer WHERE tenant_id = :t AND name = 'notes'"), {"t": client.tenant_id}
        )
    assert found == COUNT.name


class _Batch:
    """The part of a batch that a repair uses."""

    def __init__(self, services: Services, scope: Scope) -> None:
        self._services, self._scope = services, scope

    @asynccontextmanager
    async def commit(self) -> AsyncIterator[Any]:
        async with self._services.db.transaction(self._scope) as session:
            assert scope_of(session) == self._scope
            yield session


async def test_rotation_reencrypts_its_column(services: Services) -> None:
    _, client, _ = await a_client(services)
    note = await write_note(services, client, "sealed", sealed=b"secret")
    sealed = text("SELECT sealed FROM example_note WHERE tenant_id = :t AND id = :id")
    async with services.db.transaction(client) as session:
        key = await rotate_data_key(session, services.vault)
        assert await reencrypt(session, services.vault, columns=services.rooms.sealed_columns, batch=10) == 1
        found = bytes(await session.scalar(sealed, {"t": client.tenant_id, "id": note}))
        assert key_id_of(found) == key
        assert await services.vault.decrypt(session, f"note:{note}", found) == b"secret"


async def test_its_rows_are_under_retention_and_its_table_is_its_own(services: Services) -> None:
    _, client, _ = await a_client(services)
    await write_note(services, client, "kept")
    async with services.db.transaction(client) as session:
        plan = await plan_retention(session, services.governance.retained, now=utc_now())
    assert [(one.name, one.rows) for one in plan.classes if one.name == "notes"] == [("notes", 1)]
    assert owned_tables(EVERY_ROOM)["example_note"] == "example"
    assert "example_note" not in owned_tables()


async def test_its_command_and_its_meter_on_the_command_line(there: Urls, services: Services) -> None:
    root = click.Group("fairlead", context_settings={"obj": build_host(EVERY_ROOM)})
    for noun in ("audit", "client", "member"):
        root.add_command(NounGroup(noun))
    add_room_commands(root, EVERY_ROOM)
    environment = {
        "DATABASE_URL": there.owner, "DATABASE_APP_URL": there.app, "DATABASE_INTAKE_URL": there.intake,
        "DATABASE_RELAY_URL": there.relay, "REDIS_URL": there.redis, "FAIRLEAD_SECRET_KEY": SECRET.decode(),
        "FAIRLEAD_VAULT_KEYS": VAULT_KEYS,
    }  # fmt: skip
    msp, client, _ = await a_client(services)
    await write_note(services, client, "one")

    async def call(*arguments: str) -> str:
        done = await asyncio.to_thread(CliRunner().invoke, root, [*arguments], env=environment)
        return done.output if done.exception is None else f"{done.output}{done.exception}"

    msp_setup = ("--msp", str(msp.msp_id))
    count = ("client", "count-notes", *msp_setup, "--client", str(client.tenant_id))
    assert "1 notes" in await call(*count)
    assert json.loads(await call(*count, "--json")) == {"notes": 1}
    book = (await call("price-book", "create", *msp_setup, "--side", "retail", "--currency", "EUR")).split()[-1]
    price_of = ("price", "set", *msp_setup, "--book", book, "--unit-price", "0.01")
    assert "price " in await call(*price_of, "--meter", METER.name)
    for output in (await call(*price_of, "--meter", "notes.writen"), await call(*price_of)):
        assert re.search(r"Choose one of: .*\bnotes\.written, ", output)


def test_names_are_unique_and_a_missing_service_is_reported() -> None:
    with pytest.raises(ValueError, match="two rooms have one name"):
        Rooms([ROOM, Room(name="example")])
    with pytest.raises(ValueError, match="no group of commands"):
        add_room_commands(click.Group("fairlead"), Rooms([ROOM]))


async def test_a_service_that_no_room_provides_is_refused(services: Services) -> None:
    with pytest.raises(LookupError, match="no room provides Room"):
        services.get(Room)
