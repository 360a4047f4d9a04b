"""Export of audit heads, which detects forgery by the database's owner (V7)."""

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from connectors.webhooks.signatures import StandardWebhook
from controlplane.audit_export import EXPORT, LANE
from controlplane.cli.main import main
from controlplane.jobs import build_jobs
from controlplane.preflight import check_settings
from controlplane.services import Services
from foundation.audit.chain import append_audit, verify_chain
from foundation.audit_heads import read_heads, sign_heads
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.jobs.worker import LaneWorker
from foundation.scope import Scope
from foundation.settings import SettingsInvalid
from tests.conftest import VAULT_KEYS, Urls
from tests.foundation.outbound.server import Answer, running
from tests.support.client_env import ClientEnv
from tests.support.tampering import tamper_as_owner

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
Call = Callable[..., Result]


@pytest.fixture
def call(urls: Urls) -> Call:
    environment = {
        "DATABASE_URL": urls.owner,
        "DATABASE_APP_URL": urls.app,
        "DATABASE_INTAKE_URL": urls.intake,
        "DATABASE_RELAY_URL": urls.relay,
        "REDIS_URL": urls.redis,
        "FAIRLEAD_VAULT_KEYS": VAULT_KEYS,
    }
    return lambda *arguments: CliRunner().invoke(main, arguments, env=environment)


async def export(env: ClientEnv, services: Services) -> None:
    """Run the job at once, as the MSP's worker does."""
    scope = env.msp_account
    async with services.db.transaction(scope) as session:
        await session.execute(
            text("""
                INSERT INTO job (tenant_id, msp_id, lane, kind, key) VALUES (:t, :m, :lane, :kind, 'now')
            """),
            {"t": scope.tenant_id, "m": scope.msp_id, "lane": LANE, "kind": EXPORT.name},
        )
    worker = LaneWorker(
        services.db, services.ready_queue, build_jobs(services), pool="shared", metrics=services.lane_metrics
    )
    await worker.run_lane(scope.msp_id, scope.tenant_id, LANE)


def with_settings(services: Services, **changed: str) -> Services:
    return replace(services, settings=msgspec.structs.replace(services.settings, **changed))


async def act(services: Services, scope: Scope, count: int = 3) -> None:
    async with services.db.transaction(scope) as session:
        for number in range(count):
            append_audit(session, action="price.changed", subject=f"product:{number}", data={"n": number}, at=utc_now())


@pytest.fixture
async def kept(env: ClientEnv, tmp_path: Path) -> Path:
    """The file of exports, after an export with the heads of the client and the MSP."""
    path = tmp_path / "heads.jsonl"
    await act(env.services, env.scope, 12)
    await export(env, with_settings(env.services, audit_heads_file=str(path)))
    return path


_CUT = (
    "DELETE FROM audit_entry WHERE tenant_id = %(t)s AND seq > 9",
    """
    UPDATE audit_head h SET seq = 9, hash = e.hash FROM audit_entry e
     WHERE e.tenant_id = h.tenant_id AND e.seq = 9 AND h.tenant_id = %(t)s
    """,
)
# An action is attributed to another actor, and all later hashes and the head are recomputed.
_FORGE = (
    "UPDATE audit_entry SET body = replace(body, '\"n\":5', '\"n\":6') WHERE tenant_id = %(t)s",
    """
    DO $$ DECLARE r record; h bytea := decode(repeat('00', 32), 'hex'); t uuid := current_setting('app.forged')::uuid;
    BEGIN
        FOR r IN SELECT seq, body FROM audit_entry WHERE tenant_id = t ORDER BY seq LOOP
            h := sha256(h || convert_to(r.body, 'UTF8'));
            UPDATE audit_entry SET hash = h WHERE tenant_id = t AND seq = r.seq;
        END LOOP;
        UPDATE audit_head SET hash = h WHERE tenant_id = t;
    END $$
    """,
)
_REMOVED = (
    "DELETE FROM audit_entry WHERE tenant_id = %(t)s",
    "DELETE FROM audit_head WHERE tenant_id = %(t)s",
)


_NO_HASH = "decode(repeat('00', 32), 'hex')"
# The state that retention leaves, produced by somebody who removed recent entries: all of them, or the first ones.
_ANCHORED = (
    """
    INSERT INTO audit_anchor (tenant_id, msp_id, seq, hash, entries, first_at, last_at, removed_at)
    SELECT tenant_id, msp_id, seq, hash, seq, '2001-01-01', '2001-01-02', now()
      FROM audit_entry WHERE tenant_id = %(t)s AND seq = {last}
    """,
    "DELETE FROM audit_entry WHERE tenant_id = %(t)s AND seq <= {last}",
)
_ALL_ANCHORED = [part.format(last="(SELECT h.seq FROM audit_head h WHERE h.tenant_id = %(t)s)") for part in _ANCHORED]
_NEXT = "replace(e.body, '\"seq\":' || e.seq, '\"seq\":' || e.seq + 1)"
_ADD_ONE = f"""
    INSERT INTO audit_entry (tenant_id, msp_id, seq, at, action, subject, body, hash)
    SELECT e.tenant_id, e.msp_id, e.seq + 1, e.at, e.action, e.subject, {_NEXT},
           sha256(e.hash || convert_to({_NEXT}, 'UTF8'))
      FROM audit_entry e JOIN audit_head h ON h.tenant_id = e.tenant_id AND h.seq = e.seq WHERE e.tenant_id = %(t)s
"""
_ADVANCE = """
    UPDATE audit_head h SET seq = e.seq, hash = e.hash FROM audit_entry e
     WHERE e.tenant_id = h.tenant_id AND e.seq = h.seq + 1 AND h.tenant_id = %(t)s
"""
_FALSE_ANCHOR = (*_FORGE, *_ALL_ANCHORED)
_BEGUN_ANEW = (_REMOVED[0], f"UPDATE audit_head SET seq = 0, hash = {_NO_HASH} WHERE tenant_id = %(t)s")
_SWAP = [
    f"UPDATE {table} SET {change}"
    for table in ("audit_entry", "audit_head")
    for change in (
        "tenant_id = %(x)s WHERE tenant_id = %(t)s",
        "tenant_id = %(t)s, msp_id = %(m)s WHERE tenant_id = %(o)s",
        "tenant_id = %(o)s, msp_id = %(n)s WHERE tenant_id = %(x)s",
    )
]


async def self_consistent(services: Services, scope: Scope) -> bool:
    async with services.db.transaction(scope) as session:
        return (await verify_chain(session)).broken_at is None


class TestOwner:
    @pytest.mark.parametrize("whose", ["scope", "msp_account"])
    @pytest.mark.parametrize(
        "crime",
        [
            _CUT,
            _FORGE,
            _REMOVED,
            _BEGUN_ANEW,
            _FALSE_ANCHOR,
            (_ADD_ONE, _ADVANCE, *_ALL_ANCHORED),
        ],
    )
    async def test_cutting_forging_and_recomputing_are_detected(
        self, env: ClientEnv, urls: Urls, call: Call, tmp_path: Path, *, whose: str, crime: tuple[str, ...]
    ) -> None:
        """Also if the chain is consistent in itself; for a client's chain and for the MSP's own."""
        scope: Scope = getattr(env, whose)
        path = tmp_path / "heads.jsonl"
        await act(env.services, scope, 12)
        await export(env, with_settings(env.services, audit_heads_file=str(path)))
        expected = ("audit", "verify", "--expect", str(path))
        good = await asyncio.to_thread(call, *expected)
        assert (good.exit_code, good.output.count("verified, matching 1 exported heads")) == (0, 2), good.output
        statements = (f"SET LOCAL app.forged = '{scope.tenant_id}'", *crime)
        await asyncio.to_thread(tamper_as_owner, urls.owner, *statements, t=scope.tenant_id)
        assert await self_consistent(env.services, scope)
        found = await asyncio.to_thread(call, *expected)
        assert found.exit_code == 1
        assert f"{scope.tenant_id}: BROKEN" in found.output
        one = ("--msp", str(scope.msp_id), "--client", str(scope.tenant_id))
        assert (await asyncio.to_thread(call, *expected, *one)).exit_code == 1

    async def test_two_exchanged_chains_are_detected(
        self, env: ClientEnv, other_env: ClientEnv, urls: Urls, call: Call, tmp_path: Path
    ) -> None:
        """Each chain is consistent, because entries do not contain their tenant."""
        path = tmp_path / "heads.jsonl"
        for one in (env, other_env):
            await act(one.services, one.scope, 12)
            await export(one, with_settings(one.services, audit_heads_file=str(path)))
        binds = {
            "t": env.scope.tenant_id, "m": env.scope.msp_id, "o": other_env.scope.tenant_id,
            "n": other_env.scope.msp_id, "x": new_id(),
        }  # fmt: skip
        await asyncio.to_thread(tamper_as_owner, urls.owner, *_SWAP, **binds)
        found = await asyncio.to_thread(call, "audit", "verify", "--expect", str(path))
        assert found.exit_code == 1
        for one in (env, other_env):
            assert await self_consistent(one.services, one.scope)
            assert f"{one.scope.tenant_id}: BROKEN" in found.output

    async def test_an_older_state_is_detected_also_after_further_actions(
        self, env: ClientEnv, urls: Urls, call: Call, kept: Path
    ) -> None:
        """As after the restore of an older backup."""
        await asyncio.to_thread(tamper_as_owner, urls.owner, *_CUT, t=env.scope.tenant_id)
        expected = ("audit", "verify", "--expect", str(kept))
        assert (await asyncio.to_thread(call, *expected)).exit_code == 1
        await act(env.services, env.scope, 30)
        assert await self_consistent(env.services, env.scope)
        found = await asyncio.to_thread(call, *expected)
        assert f"{env.scope.tenant_id}: BROKEN at entry" in found.output

    async def test_entries_beyond_the_head_are_detected(
        self, env: ClientEnv, urls: Urls, call: Call, kept: Path
    ) -> None:
        await asyncio.to_thread(tamper_as_owner, urls.owner, _ADD_ONE, t=env.scope.tenant_id)
        found = await asyncio.to_thread(call, "audit", "verify", "--expect", str(kept))
        head = json.loads(await asyncio.to_thread(kept.read_text))["heads"]
        seq = next(one["seq"] for one in head if one["tenant_id"] == str(env.scope.tenant_id))
        assert f"{env.scope.tenant_id}: BROKEN at entry {seq + 1}" in found.output

    async def test_entries_removed_by_retention_are_no_error(
        self, env: ClientEnv, urls: Urls, call: Call, tmp_path: Path
    ) -> None:
        """Exports from before the anchor do not require entries that retention removed."""
        path, services, now = tmp_path / "heads.jsonl", env.services, utc_now()
        lines, seqs = [], []
        for count, age in ((3, 800), (3, 400), (6, 1)):
            await act(services, env.scope, count)
            async with services.db.transaction(env.msp_account.for_fleet()) as session:
                heads = await read_heads(session)
            seqs.append(next(head.seq for head in heads if head.tenant_id == env.scope.tenant_id))
            ring = services.vault.key_ring
            lines.append(sign_heads(ring, env.scope.msp_id, heads, now=now - timedelta(days=age)).line())
        await asyncio.to_thread(path.write_bytes, b"".join(lines))
        gone = [part.format(last=seqs[1]) for part in _ANCHORED]
        await asyncio.to_thread(tamper_as_owner, urls.owner, *gone, t=env.scope.tenant_id)
        result = await asyncio.to_thread(call, "audit", "verify", "--expect", str(path))
        assert result.exit_code == 0, result.output
        said = f"{seqs[2]} entries, of which retention removed the first {seqs[1]}, verified, matching 2 exported heads"
        assert said in result.output

    async def test_a_chain_without_an_export_is_not_reported_as_complete(
        self, kept: Path, other_env: ClientEnv, call: Call
    ) -> None:
        one = ("--msp", str(other_env.scope.msp_id), "--client", str(other_env.scope.tenant_id))
        result = await asyncio.to_thread(call, "audit", "verify", "--expect", str(kept), *one)
        assert result.exit_code == 1
        assert "hold no head" in result.output

    async def test_an_export_that_was_changed_is_refused(self, kept: Path, call: Call) -> None:
        content = await asyncio.to_thread(kept.read_text)
        record = json.loads(content)
        for changed in (
            record | {"heads": record["heads"][:1]},
            record | {"mac": ""},
            record | {"heads": [head | {"seq": head["seq"] - 1} for head in record["heads"]]},
        ):
            await asyncio.to_thread(kept.write_text, json.dumps(changed))
            result = await asyncio.to_thread(call, "audit", "verify", "--expect", str(kept))
            assert result.exit_code == 1
            assert result.output.startswith("Error: Line 1 was changed")

    async def test_all_chains_are_verified_by_one_command(self, kept: Path, env: ClientEnv, call: Call) -> None:
        result = await asyncio.to_thread(call, "audit", "verify", "--all", "--expect", str(kept))
        for scope in (env.scope, env.msp_account):
            assert f"{scope.tenant_id}: " in result.output


class TestExport:
    async def test_the_webhook_carries_a_standard_signature(self, env: ClientEnv) -> None:
        async with running(lambda _: Answer()) as receiver:
            services = with_settings(env.services, audit_heads_url=f"{receiver.url}/heads", audit_heads_secret=SECRET)
            await export(env, services)
            (seen,) = receiver.seen
        StandardWebhook().verify(seen.headers, seen.body, SECRET.encode(), utc_now())
        heads = {head["tenant_id"] for head in json.loads(seen.body)["heads"]}
        assert heads == {str(env.scope.tenant_id), str(env.msp_account.tenant_id)}

    async def test_a_receiver_that_fails_ends_no_chain_of_exports(self, env: ClientEnv, tmp_path: Path) -> None:
        path = tmp_path / "heads.jsonl"
        async with running(lambda _: Answer(status=500)) as receiver:
            services = with_settings(
                env.services, audit_heads_url=receiver.url, audit_heads_secret=SECRET, audit_heads_file=str(path)
            )
            await export(env, services)
        assert len((await asyncio.to_thread(path.read_text)).splitlines()) == 1
        due = await due_in(env)
        assert timedelta(minutes=4) < due <= timedelta(minutes=5)

    async def test_the_webhook_is_sent_when_the_file_cannot_be_written(self, env: ClientEnv, tmp_path: Path) -> None:
        file = {"audit_heads_file": str(tmp_path)}
        with pytest.raises(SettingsInvalid, match=r"FAIRLEAD_AUDIT_HEADS_FILE names .* Is a directory"):
            check_settings(msgspec.structs.replace(env.services.settings, **file), "worker")
        async with running(lambda _: Answer()) as receiver:
            await export(
                env, with_settings(env.services, audit_heads_url=receiver.url, audit_heads_secret=SECRET, **file)
            )
            assert len(receiver.seen) == 1
        assert await due_in(env) <= timedelta(minutes=5)

    async def test_an_export_is_repeated_within_the_hour_without_other_msps(
        self, env: ClientEnv, other_env: ClientEnv, kept: Path
    ) -> None:
        assert timedelta(minutes=59) < await due_in(env) <= timedelta(hours=1)
        content = await asyncio.to_thread(kept.read_text)
        assert str(env.scope.tenant_id) in content
        assert str(other_env.scope.tenant_id) not in content

    async def test_every_msp_is_exported_by_default(self, env: ClientEnv) -> None:
        """The repair of timers, which every account has, starts the export."""
        scope = env.msp_account
        async with env.services.db.transaction(scope) as session:
            await session.execute(
                text("INSERT INTO job (tenant_id, msp_id, lane, kind, key) VALUES (:t, :m, 'repair', :kind, 'repair')"),
                {"t": scope.tenant_id, "m": scope.msp_id, "kind": "foundation.repair_timers"},
            )
        services = env.services
        worker = LaneWorker(
            services.db, services.ready_queue, build_jobs(services), pool="shared", metrics=services.lane_metrics
        )
        await worker.run_lane(scope.msp_id, scope.tenant_id, "repair")
        assert await due_in(env) <= timedelta(hours=1)

    def test_an_address_without_a_secret_is_refused_at_the_start(self, services: Services) -> None:
        settings = msgspec.structs.replace(services.settings, audit_heads_url="https://auditor.example/heads")
        with pytest.raises(SettingsInvalid, match="FAIRLEAD_AUDIT_HEADS_SECRET"):
            check_settings(settings, "worker")
        check_settings(settings, "web")


async def due_in(env: ClientEnv) -> timedelta:
    async with env.services.db.transaction(env.msp_account) as session:
        due = (await session.execute(text("SELECT due_at FROM timer WHERE name = :n"), {"n": EXPORT.name})).scalar_one()
    left: timedelta = due - utc_now()
    return left
