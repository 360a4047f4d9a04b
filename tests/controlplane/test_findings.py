"""What the doctor finds broken, and what it says to do."""

import asyncio
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from controlplane.cli.findings import embedded_data, judge_keys, judge_work, vault_opens, work_is_done
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.lanes.work import NewWork, add_work
from foundation.scope import Scope
from foundation.settings import read_settings
from foundation.vault.envelope import new_data_key, wrap
from foundation.vault.key_ring import KeyRing
from tests.controlplane.test_cli import call

MINUTE = timedelta(minutes=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As `fairlead up` leaves it."""
    root = tmp_path / "up"
    (root / "postgres").mkdir(parents=True)
    (root / "valkey").mkdir()
    (root / "postgres" / "PG_VERSION").write_text("18\n")
    KeyRing.load_or_create(root / "vault.keys")
    return root


class TestEmbeddedData:
    def test_a_whole_folder_or_none_yet_is_well(self, folder: Path) -> None:
        assert embedded_data(folder).mend == ""
        assert "none yet" in embedded_data(folder / "nothing").state
        assert embedded_data(folder / "nothing").mend == ""

    @pytest.mark.parametrize("content", ["junk", "17", "", None])
    def test_a_broken_version_is_told(self, folder: Path, content: str | None) -> None:
        file = folder / "postgres" / "PG_VERSION"
        if content is None:
            file.rename(folder / "postgres" / "elsewhere")
        else:
            file.write_text(content)
        assert "backup" in embedded_data(folder).mend

    @pytest.mark.parametrize("name", ["valkey", "postgres", "."])
    def test_a_closed_folder_is_told(self, folder: Path, name: str) -> None:
        closed = (folder / name).resolve()
        closed.chmod(0o500)
        found = embedded_data(folder)
        closed.chmod(0o700)
        assert found.mend == f"Run `chmod u+rwx {closed}`."

    @pytest.mark.parametrize("content", ["junk", None])
    def test_lost_keys_are_told_without_themselves(self, folder: Path, content: str | None) -> None:
        keys = folder / "vault.keys"
        keys.unlink() if content is None else keys.write_text(content)
        found = embedded_data(folder)
        assert "copy" in found.mend
        assert "junk" not in found.state + found.mend

    def test_the_command_looks_at_it(
        self, environment: dict[str, str | None], tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "var").mkdir()
        folder.rename(tmp_path / "var" / "up")
        monkeypatch.chdir(tmp_path)
        nothing = dict.fromkeys(environment)
        assert call(nothing, "doctor").exit_code == 0
        (tmp_path / "var" / "up" / "postgres" / "PG_VERSION").write_text("junk")
        shown = call(nothing, "doctor", "--json")
        assert shown.exit_code == 1
        assert [each["what"] for each in json.loads(shown.output) if each["mend"]] == ["Embedded data"]


class TestVault:
    def test_a_key_that_is_missing_or_another_under_its_name_is_told(self) -> None:
        ring, other = (KeyRing({"k1": os.urandom(32)}, current="k1") for _ in range(2))
        tenant, key = new_id(), new_id()
        kek_id, wrapped = wrap(ring, tenant, key, new_data_key())
        rows = [(kek_id, tenant, key, wrapped)]
        assert judge_keys(ring, rows).mend == ""
        for wrong in (other, KeyRing({"k2": os.urandom(32)}, current="k2")):
            assert "k1" in judge_keys(wrong, rows).mend

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


class TestWork:
    def test_old_work_says_which_workers_to_start(self) -> None:
        assert [each.mend for each in judge_work([("shared", 4 * MINUTE)], MINUTE)] == [""]
        shared, pinned, relay = judge_work([("shared", 6 * MINUTE), ("tenant-x", 7 * MINUTE)], 9 * MINUTE)
        assert "`fairlead worker`" in shared.mend
        assert "`fairlead worker --tenant x`" in pinned.mend
        assert (relay.state, relay.mend) == ("a timer is late by 9 minutes", "Start `fairlead relay`.")

    async def test_it_is_seen_in_the_database(
        self, environment: dict[str, str | None], db: Database, scope: Scope
    ) -> None:
        pool = f"tenant-{scope.tenant_id}"
        async with db.transaction(scope) as session:
            add_work(session, [NewWork(lane="old", kind="none", key="k")])
            await session.execute(
                text("INSERT INTO lane_share (tenant_id, msp_id, pool) VALUES (:t, :m, :pool)"),
                {"t": scope.tenant_id, "m": scope.msp_id, "pool": pool},
            )
        keys = {"t": scope.tenant_id}
        async with db.transaction(scope) as session:
            await session.execute(
                text("UPDATE work SET ready_at = ready_at - interval '1 hour' WHERE tenant_id = :t"), keys
            )
        settings = read_settings({name: value for name, value in environment.items() if value})
        found = await work_is_done(settings)
        assert [each.what for each in found if str(scope.tenant_id) in each.mend] == ["Workers"]
        shown = await asyncio.to_thread(call, environment, "doctor")
        assert shown.exit_code == 1
