"""Each component's Valkey user can access that component's keys and no others."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
import redis
import redis.asyncio

from controlplane.embedded.servers import EmbeddedServers
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.jobs.ready_queue import ReadyQueue, ReadyQueueReader
from foundation.outbound.breaker import CallResult
from foundation.outbound.gate import Credential, Gate, RateLimit
from foundation.outbound.settings import OutboundSettings
from foundation.valkey import blocking_valkey_client, valkey_client
from foundation.valkey_users import RULES
from foundation.web.call_counts import CallCounts, calls_key
from tenants.auth.devices import Device
from tenants.auth.impersonation import LONGEST, Impersonation
from tenants.auth.sessions import SessionStore
from tenants.auth.throttle import EMAIL, SignInThrottle
from tenants.errors import SignInThrottled
from tenants.secrets import new_secret

KEY = b"a key of the web processes alone, 32+"


@pytest.fixture(scope="module")
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServers]:
    servers = EmbeddedServers(tmp_path_factory.mktemp("servers"), durable=False)
    servers.create_valkey_users()
    with servers:
        yield servers


def refused(servers: EmbeddedServers, component: str, *command: str) -> bool:
    client = blocking_valkey_client(servers.redis_url_of(component))
    try:
        client.execute_command(*command)  # type: ignore[no-untyped-call]
    except redis.exceptions.NoPermissionError:
        return True
    finally:
        client.close()
    return False


async def test_every_user_needs_a_password(own_servers: EmbeddedServers) -> None:
    with pytest.raises(redis.RedisError):
        redis.Redis.from_url(f"unix://{own_servers.paths.valkey_socket}").ping()
    assert own_servers.valkey.answers()
    assert own_servers.paths.valkey_passwords.stat().st_mode & 0o077 == 0
    arguments = Path(f"/proc/{own_servers.valkey.pid}/cmdline").read_text()  # noqa: ASYNC240
    for component in RULES:
        assert own_servers.redis_url_of(component).split(":")[2].split("@")[0] not in arguments


async def test_web_may_store_sessions_count_sign_ins_and_wake_lanes(own_servers: EmbeddedServers) -> None:
    web = valkey_client(own_servers.redis_url_of("web"))
    sessions, throttle, now = SessionStore(web, new_secret, KEY), SignInThrottle(web), utc_now()
    msp_id, member_id = new_id(), new_id()
    for _ in range(2):
        session = await sessions.start(msp_id=msp_id, member_id=member_id, tenant_id=new_id(), now=now)
    assert await sessions.find(session.cookie, msp_id=msp_id, now=now) is not None
    client = new_id()
    acting = Impersonation(
        id=new_id(), tenant_id=client, client="acme", member_id=new_id(), member_name="Ada", by_id=member_id,
        by_name="Nora", until=now + LONGEST,
    )  # fmt: skip
    await sessions.impersonate(session, acting, now=now)
    assert await sessions.list_impersonations(msp_id=msp_id, tenant_id=client, now=now) == [acting]
    assert await sessions.end_impersonation(replace(session, acting=acting))
    await sessions.end(session)
    assert await sessions.end_all(msp_id=msp_id, member_id=member_id) == 1
    device = Device(new_id(), member_id, now, bytes(16))
    for number in range(EMAIL.free):
        address = f"192.0.2.{number}"
        counted = await throttle.reserve(msp_id=msp_id, email="a@b.example", address=address, now=now)
    with pytest.raises(SignInThrottled):
        await throttle.reserve(msp_id=msp_id, email="a@b.example", address="192.0.2.99", now=now)
    await throttle.release(counted)
    await throttle.release(await throttle.reserve(msp_id=msp_id, email="a", address="", now=now, device=device))
    await ReadyQueue(web, time_limit=30).wake({(msp_id, new_id()): {"a", "b"}})
    await web.aclose()


async def test_workers_and_relay_may_do_their_work(own_servers: EmbeddedServers) -> None:
    worker, relay = (valkey_client(own_servers.redis_url_of(one)) for one in ("worker", "relay"))
    admin, ids = valkey_client(own_servers.redis_url), (new_id(), new_id())
    await admin.flushall()
    ready_queue = ReadyQueue(worker, time_limit=30)
    await ReadyQueue(relay).set_shares([(*ids, "shared", 2), (new_id(), new_id(), "tenant-x", 1)])
    await ReadyQueue(relay).wake({ids: {"lane"}})
    await ready_queue.mark_bulk(*ids, "heavy")
    await ready_queue.record_capped(*ids, "capped")
    await ready_queue.wake({ids: {"heavy"}})
    blocking = blocking_valkey_client(own_servers.redis_url_of("worker"))
    reader = ReadyQueueReader(blocking)
    taken = {ticket.lane for _ in range(3) if (ticket := reader.take("shared", 1))}
    assert taken == {"lane", "heavy", "capped"}
    gate = Gate(OutboundSettings(), worker, utc_now)
    credential = Credential(new_id(), "key", RateLimit(10, 10))
    admission = await gate.admit(credential)
    assert admission.shared
    await gate.settle(credential, admission, CallResult.FAILED, hold=1)
    assert await admin.exists(credential.key)
    counts, account = CallCounts(worker), calls_key(*ids)
    await admin.hset(account, f"1:{ids[1]}", 2)
    await counts.forget(*ids, await counts.read_complete(*ids))
    assert not await admin.exists(account)
    blocking.close()
    for client in (worker, relay, admin):
        await client.aclose()


@pytest.mark.parametrize("component", ["worker", "relay"])
async def test_only_web_reaches_sessions_and_sign_in_counters(own_servers: EmbeddedServers, component: str) -> None:
    for kind in ("session:x", "sessions-of:x", "impersonations-of:x", "sign-in:pair:x"):
        key = f"fl:{new_id()}:{kind}"
        for command in (("GET", key), ("SET", key, "x"), ("DEL", key), ("ZRANGE", key, "0", "-1"), ("HGET", key, "n")):
            assert refused(own_servers, component, *command), command
        forged = ("EVAL", f"return redis.call('SET', '{key}', 'x')", "0")
        with pytest.raises(redis.exceptions.ResponseError, match=r"ACL|NOPERM|permission"):
            refused(own_servers, component, *forged)
        assert not redis.Redis.from_url(own_servers.redis_url).exists(key)


@pytest.mark.parametrize("component", list(RULES))
@pytest.mark.parametrize(
    "command", ["FLUSHALL", "CONFIG GET *", "KEYS *", "SCAN 0", "ACL LIST", "CLIENT LIST", "SCRIPT FLUSH", "SHUTDOWN",
                "MONITOR", "SUBSCRIBE x", "GET other", "SET other x"],
)  # fmt: skip
async def test_no_component_administers_valkey(own_servers: EmbeddedServers, component: str, command: str) -> None:
    assert refused(own_servers, component, *command.split())


async def test_web_and_relay_do_not_reach_the_limits_of_outbound_calls(own_servers: EmbeddedServers) -> None:
    for component in ("web", "relay"):
        assert refused(own_servers, component, "HSET", f"fl:out:{new_id()}:key", "open_until", "1")


async def test_a_malformed_member_does_not_end_the_consumer(own_servers: EmbeddedServers) -> None:
    admin = blocking_valkey_client(own_servers.redis_url)
    admin.flushall()
    for member in (b"x", b"a:b", str(UUID(int=1)).encode(), b"\xff:\xff"):
        admin.zadd("fl:lanes:ring:shared", {member: 0})
    reader = ReadyQueueReader(blocking_valkey_client(own_servers.redis_url_of("worker")))
    assert [reader.take("shared", 1) for _ in range(4)] == [None] * 4
    admin.close()
