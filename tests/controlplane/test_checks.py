"""Checks of `fairlead doctor`: detected problems and their remedies."""

import asyncio
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from controlplane.backup.create import LastBackup
from controlplane.cli.backup_checks import assess_backup, backup_role
from controlplane.cli.checks import (
    Finding,
    assess_jobs,
    assess_partitions,
    assess_vault_keys,
    embedded_data,
    partitions_are_ready,
    vault_opens,
    work_is_done,
)
from controlplane.data_folder import begin_setup, find_problems, finish_setup
from controlplane.embedded.valkey import make_passwords, read_passwords
from controlplane.preflight import closed_keys, require_keys_open
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.scope import Scope
from foundation.settings import Settings, SettingsInvalid, read_settings
from foundation.vault.envelope import new_data_key, wrap
from foundation.vault.key_ring import KeyRing
from tests.conftest import Urls
from tests.controlplane.test_cli import call
from tests.support.as_owner import change_as_owner
from tests.support.jobs import job_type

MINUTE = timedelta(minutes=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as `fairlead up` leaves it."""
    root = tmp_path / "up"
    data = root / "servers" / "postgres"
    for part in ("base", "global", "pg_wal", "pg_xact"):
        (data / part).mkdir(parents=True)
    (data / "global" / "pg_control").touch()
    (root / "servers" / "valkey").mkdir()
    (data / "PG_VERSION").write_text("18\n")
    KeyRing.load_or_create(root / "vault.keys")
    (root / "secret.key").touch(mode=0o600)
    (root / "secret.key").write_text("s" * 64)
    return root


def data_findings(root: Path) -> list[Finding]:
    return [each for each in embedded_data(root, {}) if each.mend]


class TestEmbeddedData:
    def test_a_complete_or_missing_folder_passes(self, folder: Path) -> None:
        assert [each.state for each in embedded_data(folder, {})] == [f"whole in {folder}"]
        assert ["none yet" in each.state for each in embedded_data(folder / "nothing", {})] == [True]
        assert data_findings(folder) == data_findings(folder / "nothing") == []

    @pytest.mark.parametrize(
        ("content", "mend"),
        [("junk", "backup"), ("17", "Start the version that wrote it"), ("", "backup"), (None, "backup")],
    )
    def test_a_broken_version_is_reported(self, folder: Path, content: str | None, mend: str) -> None:
        file = folder / "servers" / "postgres" / "PG_VERSION"
        if content is None:
            file.unlink()
        else:
            file.write_text(content)
        [found] = data_findings(folder)
        assert mend in found.mend

    @pytest.mark.parametrize("name", ["servers/valkey", "servers/postgres", "servers", "."])
    def test_an_unreadable_folder_is_reported(self, folder: Path, name: str) -> None:
        closed = (folder / name).resolve()
        closed.chmod(0o500)
        found = data_findings(folder)
        closed.chmod(0o700)
        assert [each.mend for each in found] == [f"Run `chmod u+rwx {closed}`."]

    def test_a_folder_that_cannot_be_written_is_reported(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        read_only = os.statvfs_result((4096, 4096, 0, 0, 0, 0, 0, 0, os.ST_RDONLY, 255))
        monkeypatch.setattr(os, "statvfs", lambda _: read_only)
        assert "read-only" in data_findings(folder)[0].state

    @pytest.mark.parametrize("content", ["junk", None])
    @pytest.mark.parametrize("name", ["vault.keys", "secret.key"])
    def test_lost_keys_are_reported_without_their_text(self, folder: Path, name: str, content: str | None) -> None:
        keys = folder / name
        keys.unlink() if content is None else keys.write_text(content)
        [found] = data_findings(folder)
        assert "copy" in found.mend
        assert "junk" not in found.state + found.mend

    @pytest.mark.parametrize("name", ["vault.keys", "secret.key"])
    def test_keys_that_others_can_read_are_reported(self, folder: Path, name: str) -> None:
        (folder / name).chmod(0o644)
        assert [each.mend for each in data_findings(folder)] == [f"Run `chmod 600 {folder / name}`."]

    @pytest.mark.parametrize("part", ["global/pg_control", "base", "pg_wal", "pg_xact", ""])
    def test_half_deleted_data_are_reported(self, folder: Path, part: str) -> None:
        path = folder / "servers" / "postgres" / part
        path.unlink() if path.is_file() else shutil.rmtree(path)
        [found] = data_findings(folder)
        assert "missing" in found.state
        assert "backup" in found.mend

    def test_deleted_key_and_version_are_both_reported(self, folder: Path) -> None:
        (folder / "servers" / "postgres" / "PG_VERSION").unlink()
        (folder / "vault.keys").unlink()
        assert ["PostgreSQL" in each.state or "vault.keys" in each.state for each in data_findings(folder)] == [
            True
        ] * 2

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"web": 1}'])
    def test_unreadable_passwords_of_valkey_are_reported_as_harmless(self, folder: Path, content: str) -> None:
        file = folder / "servers" / "valkey.passwords"
        file.write_text(content)
        [found] = data_findings(folder)
        assert "nothing is lost" in found.mend
        file.unlink()
        make_passwords(file)
        assert data_findings(folder) == []

    def test_a_component_that_an_older_version_did_not_know_gets_its_password(self, folder: Path) -> None:
        file = folder / "servers" / "valkey.passwords"
        make_passwords(file)
        first = read_passwords(file)
        file.write_bytes(msgspec.json.encode({name: word for name, word in first.items() if name != "relay"}))
        make_passwords(file)
        assert read_passwords(file) == first | {"relay": read_passwords(file)["relay"]}

    def test_keys_from_the_environment_need_no_file(self, folder: Path) -> None:
        (folder / "vault.keys").unlink()
        assert find_problems(folder, {"FAIRLEAD_VAULT_KEYS_FILE": "/elsewhere"}) == []

    def test_a_first_start_that_was_killed_continues(self, folder: Path) -> None:
        """Nothing was stored under a key that did not exist yet."""
        shutil.rmtree(folder / "servers" / "postgres")
        begin_setup(folder)
        assert data_findings(folder) == []
        finish_setup(folder)
        assert len(data_findings(folder)) == 1

    def test_the_command_checks_the_data_folder(
        self, environment: dict[str, str | None], folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FAIRLEAD_DATA", str(folder))
        nothing = dict.fromkeys(environment)
        assert call(nothing, "doctor").exit_code == 0
        (folder / "servers" / "postgres" / "PG_VERSION").write_text("junk")
        shown = call(nothing, "doctor", "--json")
        assert shown.exit_code == 1
        assert [each["what"] for each in json.loads(shown.output) if each["mend"]] == ["Embedded data"]


class TestVault:
    def test_a_missing_or_different_key_is_reported(self) -> None:
        ring, other = (KeyRing({"k1": os.urandom(32)}, current="k1") for _ in range(2))
        tenant, key = new_id(), new_id()
        kek_id, wrapped = wrap(ring, tenant, key, new_data_key())
        rows = [(kek_id, tenant, key, wrapped)]
        assert assess_vault_keys(closed_keys(ring, rows)).mend == ""
        for wrong in (other, KeyRing({"k2": os.urandom(32)}, current="k2")):
            assert "k1" in assess_vault_keys(closed_keys(wrong, rows)).mend

    async def test_it_is_seen_in_the_database(
        self, environment: dict[str, str | None], db: Database, scope: Scope
    ) -> None:
        lost = KeyRing({f"lost-{scope.tenant_id.hex[:8]}": os.urandom(32)}, current=f"lost-{scope.tenant_id.hex[:8]}")
        kek_id, wrapped = wrap(lost, scope.tenant_id, scope.tenant_id, new_data_key())
        async with db.transaction(scope) as session:
            await session.execute(
                text("""
                    INSERT INTO vault_key (tenant_id, msp_id, id, wrapped, kek_id, state, created_at)
                    VALUES (:t, :m, :t, :wrapped, :kek_id, 'retired', now())
                """),
                {"t": scope.tenant_id, "m": scope.msp_id, "wrapped": wrapped, "kek_id": kek_id},
            )
        settings = read_settings({name: value for name, value in environment.items() if value})
        assert kek_id in (await vault_opens(settings)).mend
        with pytest.raises(SettingsInvalid, match=f"do not open what is stored under .*{kek_id}"):
            await asyncio.to_thread(require_keys_open, settings)


class TestWork:
    def test_overdue_jobs_name_the_workers_to_start(self) -> None:
        assert [each.mend for each in assess_jobs([("shared", 4 * MINUTE)], MINUTE, relay=None, workers=())] == [""]
        waiting = [("shared", 6 * MINUTE), ("tenant-x", 7 * MINUTE)]
        shared, pinned, relay = assess_jobs(waiting, 9 * MINUTE, relay=None, workers=())
        assert "`fairlead worker`" in shared.mend
        assert "`fairlead worker --client x`" in pinned.mend
        assert relay.mend == "Start `fairlead relay`."

    def test_a_late_timer_is_no_alarm_while_the_relay_works(self) -> None:
        """A suspended client's timers do not fire; a backlog that is being processed is no dead worker."""
        working = assess_jobs([], timedelta(hours=9), relay=timedelta(seconds=1), workers=())
        assert [(each.what, each.mend) for each in working] == [("Relay", "")]
        hung = assess_jobs([], timedelta(hours=9), relay=6 * MINUTE, workers=())
        assert hung[0].state == "has done nothing for 6 minutes"
        names = ["fairlead worker shared prompt", f"fairlead worker tenant-{'x' * 36} all"[:63]]
        waiting = [("shared", 6 * MINUTE), (f"tenant-{'x' * 36}", 7 * MINUTE)]
        assert [each.mend for each in assess_jobs(waiting, None, relay=None, workers=names)] == ["", ""]

    async def test_the_relay_is_seen_in_the_database(
        self, environment: dict[str, str | None], db: Database, urls: Urls, scope: Scope
    ) -> None:
        async with db.transaction(scope) as session:
            await session.execute(
                text(
                    "INSERT INTO timer (tenant_id, msp_id, name, lane, kind, due_at)"
                    " VALUES (:t, :m, 'late', 'a', 'none', now() - interval '1 day')"
                ),
                {"t": scope.tenant_id, "m": scope.msp_id},
            )
        settings = read_settings({name: value for name, value in environment.items() if value})
        assert "Start `fairlead relay`." in [each.mend for each in await work_is_done(settings) if each.what == "Relay"]
        relay = Database(urls.relay, pool_size=1, application_name="fairlead relay")
        async with relay.transaction(None) as session:
            await session.execute(text("SELECT 1"))
        assert [each.mend for each in await work_is_done(settings) if each.what == "Relay"] == [""]
        await relay.close()
        change_as_owner(urls.owner, scope, "timer", "DELETE FROM timer WHERE tenant_id = %(t)s")

    async def test_it_is_seen_in_the_database(
        self, environment: dict[str, str | None], db: Database, scope: Scope
    ) -> None:
        pool = f"tenant-{scope.tenant_id}"
        async with db.transaction(scope) as session:
            enqueue(session, [NewJob("old", job_type("test.none"), "k")])
            await session.execute(
                text("INSERT INTO lane_share (tenant_id, msp_id, pool) VALUES (:t, :m, :pool)"),
                {"t": scope.tenant_id, "m": scope.msp_id, "pool": pool},
            )
        keys = {"t": scope.tenant_id}
        async with db.transaction(scope) as session:
            await session.execute(
                text("UPDATE job SET ready_at = ready_at - interval '1 hour' WHERE tenant_id = :t"), keys
            )
        settings = read_settings({name: value for name, value in environment.items() if value})
        found = await work_is_done(settings)
        assert [each.what for each in found if str(scope.tenant_id) in each.mend] == ["Workers"]
        shown = await asyncio.to_thread(call, environment, "doctor")
        assert shown.exit_code == 1


async def test_missing_partitions_are_reported(services: Services) -> None:
    assert (await partitions_are_ready(services.settings)).mend == ""
    now = datetime(2026, 12, 27, tzinfo=UTC)
    soon = assess_partitions([("change", datetime(2027, 1, 1, tzinfo=UTC), False)], now=now)
    assert "in change;" in soon.state
    assert "fairlead relay" in soon.mend
    beyond = assess_partitions([("change", datetime(2027, 3, 1, tzinfo=UTC), True)], now=now)
    assert beyond.mend
    assert assess_partitions([("change", datetime(2027, 3, 1, tzinfo=UTC), False)], now=now).mend == ""


@pytest.mark.parametrize(
    ("hours", "expected", "warned"), [(None, "none was ever made", True), (2, "2 hours", False), (80, "3 days", True)]
)
def test_the_age_of_the_last_backup_is_reported(hours: int | None, expected: str, warned: bool) -> None:  # noqa: FBT001
    now = utc_now()
    found = None if hours is None else LastBackup(now - timedelta(hours=hours), "head", 1)
    judged = assess_backup(found, now)
    assert expected in judged.state
    assert (bool(judged.mend), judged.warning) == (warned, warned)


async def test_the_login_of_backups_may_only_read(services: Services, urls: Urls) -> None:
    def with_backup_url(url: str) -> Settings:
        return msgspec.structs.replace(services.settings, backup_url=url)

    assert await backup_role(with_backup_url("")) == []
    assert [each.mend for each in await backup_role(with_backup_url(urls.backup))] == [""]
    for url in (urls.owner, urls.app, urls.intake, urls.relay):
        (found,) = await backup_role(with_backup_url(url))
        assert found.warning
        assert "DATABASE_BACKUP_URL" in found.mend


def test_backups_made_as_the_owner_are_warned_of() -> None:
    now = utc_now()
    judged = assess_backup(LastBackup(now, "head", 1, as_owner=True), now)
    assert judged.warning
    assert "DATABASE_BACKUP_URL" in judged.mend
    late = assess_backup(LastBackup(now - timedelta(days=3), "head", 1, as_owner=True), now)
    assert "daily" in late.mend, "the first of two problems"
