"""The audit chain: verification detects every later change, and its position."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import GENESIS, ChainPoint, ChainVerification, append_audit, verify_chain
from foundation.database.engine import Database
from foundation.scope import Scope
from foundation.telemetry.correlation import correlated
from tests.conftest import Urls

AT = datetime(2026, 5, 4, 3, 2, 1, 123456, tzinfo=UTC)


async def write(db: Database, scope: Scope, count: int = 1, **data: Any) -> None:
    async with db.transaction(scope) as session:
        for number in range(count):
            append_audit(
                session, action="price.changed", subject=f"product:{number}", data={"n": number, **data}, at=AT
            )


async def exported_head(session: AsyncSession) -> ChainPoint:
    head = (await session.execute(text("SELECT seq, hash FROM audit_head"))).one()
    return ChainPoint(head.seq, bytes(head.hash))


async def verdict(db: Database, scope: Scope, **options: Any) -> ChainVerification:
    async with db.transaction(scope) as session:
        return await verify_chain(session, **options)


@pytest.fixture
async def twelve(db: Database, scope: Scope) -> Scope:
    """A tenant with twelve entries, written in two transactions."""
    await write(db, scope, 5)
    await write(db, scope, 7, text="naïve ☃ \u2028 'quotes' \"", empty=None, deep={"b": [1, 2], "a": 1.5})
    return scope


async def tamper(urls: Urls, scope: Scope, statement: str, *arguments: object) -> None:
    """Change rows as the database's owner, who can disable the tables' protection."""
    async with await psycopg.AsyncConnection.connect(urls.owner) as connection:
        await connection.execute("SELECT set_config('row_security', 'off', true)")
        for table in ("audit_entry", "audit_head"):
            await connection.execute(
                sql.SQL("ALTER TABLE {0} NO FORCE ROW LEVEL SECURITY, DISABLE TRIGGER USER").format(
                    sql.Identifier(table)
                )
            )
        done = await connection.execute(statement, (*arguments, scope.tenant_id))
        assert done.rowcount > 0
        for table in ("audit_entry", "audit_head"):
            await connection.execute(
                sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY, ENABLE TRIGGER USER").format(sql.Identifier(table))
            )


class TestWhole:
    @pytest.mark.parametrize("page", [1, 5, 12, 13, 5000])
    async def test_an_untouched_chain_verifies(self, db: Database, twelve: Scope, page: int) -> None:
        found = await verdict(db, twelve, page=page)

        assert (found.entries, found.broken_at) == (12, None)
        assert found.head != GENESIS.hex()

    @pytest.mark.parametrize(
        ("text_", "kept"),
        [
            ("a\x00b", "a\ufffdb"),
            ("a\ud800b", "a\ufffdb"),
            ("\ud83d\ude00", "\ufffd\ufffd"),
            ("\\u0000", "\\u0000"),
            ("\\\x00", "\\\ufffd"),
            ("\U0001f600", "\U0001f600"),
        ],
    )
    async def test_unstorable_characters_are_replaced_everywhere(
        self, db: Database, scope: Scope, text_: str, kept: str
    ) -> None:
        await write(db, scope, deep={text_: [text_, {"a": (text_,)}]})
        async with db.transaction(scope) as session:
            append_audit(session, action="a", subject=text_, data={}, at=AT)
        async with db.transaction(scope) as session:
            rows = (await session.execute(text("SELECT subject, body FROM audit_entry ORDER BY seq"))).all()
        assert msgspec.json.decode(rows[0].body)["data"]["deep"] == {kept: [kept, {"a": [kept]}]}
        assert rows[1].subject == kept
        assert (await verdict(db, scope)).broken_at is None

    async def test_a_tenant_without_entries_has_an_empty_chain(self, db: Database, scope: Scope) -> None:
        assert await verdict(db, scope) == ChainVerification(entries=0, head=GENESIS.hex())

    async def test_an_undone_transaction_leaves_no_entry(self, db: Database, twelve: Scope) -> None:
        async def fail() -> None:
            async with db.transaction(twelve) as session:
                append_audit(session, action="price.changed", subject="product:1", data={}, at=AT)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert (await verdict(db, twelve)).entries == 12

    async def test_an_entry_has_actor_time_and_correlation(self, db: Database, scope: Scope) -> None:
        with correlated("abc-1"):
            await write(db, scope)
        async with db.transaction(scope) as session:
            body = (
                await session.execute(
                    text("SELECT CAST(body AS jsonb) FROM audit_entry WHERE tenant_id = :t"), {"t": scope.tenant_id}
                )
            ).scalar_one()

        assert body == {
            "seq": 1, "at": "2026-05-04T03:02:01.123456Z", "action": "price.changed", "subject": "product:0",
            "actor": {"kind": "member", "id": scope.actor.id, "name": "Ada"}, "data": {"n": 0}, "correlation": "abc-1",
        }  # fmt: skip

    async def test_each_entry_has_the_correlation_of_its_action(self, db: Database, scope: Scope) -> None:
        """One batch writes entries for several webhooks in one transaction."""
        async with db.transaction(scope) as session:
            for correlation in ("first-1", "second-2"):
                with correlated(correlation):
                    append_audit(session, action="price.changed", subject="product:1", data={}, at=AT)

        found = [msgspec.json.decode(body)["correlation"] for body in await bodies(db, scope)]
        assert found == ["first-1", "second-2"]

    async def test_concurrent_writers_extend_one_chain(self, db: Database, scope: Scope) -> None:
        await asyncio.gather(*(write(db, scope, 1 + number % 4) for number in range(24)))

        found = await verdict(db, scope)
        assert (found.entries, found.broken_at) == (sum(1 + number % 4 for number in range(24)), None)

    async def test_verifying_while_others_write_finds_no_error(self, db: Database, twelve: Scope) -> None:
        done = asyncio.Event()

        async def keep_writing() -> None:
            try:
                for _ in range(40):
                    await write(db, twelve, 3)
            finally:
                done.set()

        async def keep_verifying() -> list[ChainVerification]:
            found = []
            while not done.is_set():
                found.append(await verdict(db, twelve, page=4))
            return found

        _, found = await asyncio.gather(keep_writing(), keep_verifying())
        assert found
        assert {each.broken_at for each in found} == {None}


class TestTampering:
    @pytest.mark.parametrize("seq", [1, 5, 6, 12])
    @pytest.mark.parametrize(
        "change",
        [
            "body = overlay(body PLACING chr(ascii(substr(body, 3, 1)) + 1) FROM 3 FOR 1)",
            "body = left(body, length(body) - 2) || '~}'",
            "body = body || ' '",
            "body = replace(body, 'Ada', 'Eve')",
            "body = ''",
            "hash = set_byte(hash, 0, get_byte(hash, 0) # 1)",
            "hash = set_byte(hash, 31, get_byte(hash, 31) # 128)",
            "hash = ''",
            "action = 'price.seen'",
            "subject = 'product:999'",
            "at = at + interval '1 microsecond'",
            "seq = seq + 1000",
        ],
    )
    async def test_any_change_of_an_entry_is_found_at_its_number(
        self, db: Database, twelve: Scope, urls: Urls, seq: int, change: str
    ) -> None:
        await tamper(urls, twelve, f"UPDATE audit_entry SET {change} WHERE seq = %s AND tenant_id = %s", seq)

        found = await verdict(db, twelve)
        assert (found.broken_at, found.entries) == (seq, seq - 1)

    @pytest.mark.parametrize("seq", range(1, 13))
    async def test_a_deleted_entry_is_found(self, db: Database, twelve: Scope, urls: Urls, seq: int) -> None:
        await tamper(urls, twelve, "DELETE FROM audit_entry WHERE seq = %s AND tenant_id = %s", seq)

        assert (await verdict(db, twelve, page=4)).broken_at == seq

    async def test_any_changed_byte_of_a_body_is_found(self, db: Database, twelve: Scope, urls: Urls) -> None:
        body = (await bodies(db, twelve))[6]
        for place in range(0, len(body), 7):
            changed = body[:place] + ("x" if body[place] != "x" else "y") + body[place + 1 :]
            for value in (changed, body):
                await tamper(urls, twelve, "UPDATE audit_entry SET body = %s WHERE seq = 7 AND tenant_id = %s", value)
                assert (await verdict(db, twelve)).broken_at == (7 if value != body else None)

    async def test_two_exchanged_entries_are_found(self, db: Database, twelve: Scope, urls: Urls) -> None:
        await tamper(
            urls, twelve,
            "UPDATE audit_entry a SET body = b.body, hash = b.hash, subject = b.subject FROM audit_entry b"
            " WHERE a.tenant_id = b.tenant_id AND a.seq IN (3, 4) AND b.seq = 7 - a.seq AND a.tenant_id = %s",
        )  # fmt: skip

        assert (await verdict(db, twelve)).broken_at == 3

    async def test_an_entry_rewritten_with_its_own_new_hash_is_found_at_the_next(
        self, db: Database, twelve: Scope, urls: Urls
    ) -> None:
        forge = """
            UPDATE audit_entry e SET body = replace(e.body, 'Ada', 'Eve'),
                   hash = sha256(p.hash || convert_to(replace(e.body, 'Ada', 'Eve'), 'UTF8'))
              FROM audit_entry p WHERE p.tenant_id = e.tenant_id AND p.seq = e.seq - 1
               AND e.seq = %s AND e.tenant_id = %s
        """
        await tamper(urls, twelve, forge, 7)
        assert (await verdict(db, twelve)).broken_at == 8

    async def test_a_rewritten_last_entry_is_found_against_the_head(
        self, db: Database, twelve: Scope, urls: Urls
    ) -> None:
        forge = """
            UPDATE audit_entry e SET body = replace(e.body, 'Ada', 'Eve'),
                   hash = sha256(p.hash || convert_to(replace(e.body, 'Ada', 'Eve'), 'UTF8'))
              FROM audit_entry p WHERE p.tenant_id = e.tenant_id AND p.seq = 11 AND e.seq = 12 AND e.tenant_id = %s
        """
        await tamper(urls, twelve, forge)
        assert (await verdict(db, twelve)).broken_at == 12

    @pytest.mark.parametrize(
        ("statement", "broken_at"),
        [
            ("DELETE FROM audit_head WHERE tenant_id = %s", 1),
            ("UPDATE audit_head SET seq = seq + 1 WHERE tenant_id = %s", 13),
            ("UPDATE audit_head SET hash = set_byte(hash, 5, get_byte(hash, 5) # 1) WHERE tenant_id = %s", 12),
            ("UPDATE audit_head SET seq = 11 WHERE tenant_id = %s", 11),
        ],
    )
    async def test_a_changed_head_is_found(
        self, db: Database, twelve: Scope, urls: Urls, statement: str, broken_at: int
    ) -> None:
        await tamper(urls, twelve, statement)

        assert (await verdict(db, twelve)).broken_at == broken_at

    async def test_a_truncated_and_rewritten_chain_is_detected_by_an_exported_head(
        self, db: Database, twelve: Scope, urls: Urls
    ) -> None:
        kept = (await verdict(db, twelve)).head
        await tamper(
            urls, twelve,
            "WITH cut AS (DELETE FROM audit_entry WHERE seq = 12 AND tenant_id = %s) UPDATE audit_head h"
            " SET seq = 11, hash = e.hash FROM audit_entry e WHERE e.tenant_id = h.tenant_id AND e.seq = 11"
            " AND h.tenant_id = %s", twelve.tenant_id,
        )  # fmt: skip

        found = await verdict(db, twelve)
        assert found.broken_at is None
        assert found.head != kept


async def bodies(db: Database, scope: Scope) -> list[str]:
    async with db.transaction(scope) as session:
        rows = await session.execute(
            text("SELECT body FROM audit_entry WHERE tenant_id = :t ORDER BY seq"), {"t": scope.tenant_id}
        )
        return list(rows.scalars())


class TestTenants:
    @pytest.mark.parametrize("other", ["other_scope", "sibling_scope"])
    async def test_each_has_its_own_chain(
        self, db: Database, twelve: Scope, other: str, request: pytest.FixtureRequest, urls: Urls
    ) -> None:
        second: Scope = request.getfixturevalue(other)
        await write(db, second, 3)
        assert await bodies(db, second) != (await bodies(db, twelve))[:3]

        await tamper(urls, twelve, "UPDATE audit_entry SET body = 'x' WHERE seq = 2 AND tenant_id = %s")

        assert (await verdict(db, second)).broken_at is None
        assert (await verdict(db, second)).entries == 3
        assert (await verdict(db, twelve)).broken_at == 2

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit_entry SET body = 'x'",
            "DELETE FROM audit_entry",
            "TRUNCATE audit_entry",
            "DELETE FROM audit_head",
        ],
    )
    async def test_the_application_can_only_append(self, db: Database, twelve: Scope, statement: str) -> None:
        async def attempt() -> None:
            async with db.transaction(twelve) as session:
                await session.execute(text(statement))

        with pytest.raises(ProgrammingError, match="permission denied"):
            await attempt()
        assert (await verdict(db, twelve)).broken_at is None


class TestBounds:
    """Entries beyond the head, or before the first verified one, are detected."""

    async def test_an_entry_beyond_the_head_is_found(self, db: Database, twelve: Scope, urls: Urls) -> None:
        await tamper(
            urls, twelve,
            "INSERT INTO audit_entry SELECT tenant_id, msp_id, seq + 1, at, action, subject, body, hash"
            " FROM audit_entry WHERE seq = 12 AND tenant_id = %s",
        )  # fmt: skip

        assert (await verdict(db, twelve)).broken_at == 13

    async def test_a_head_set_back_is_found(self, db: Database, twelve: Scope, urls: Urls) -> None:
        await tamper(
            urls, twelve,
            "UPDATE audit_head h SET seq = 9, hash = e.hash FROM audit_entry e"
            " WHERE e.tenant_id = h.tenant_id AND e.seq = 9 AND h.tenant_id = %s",
        )  # fmt: skip

        assert (await verdict(db, twelve)).broken_at == 10

    async def test_a_truncation_with_its_head_is_detected_by_an_exported_head(
        self, db: Database, twelve: Scope, urls: Urls
    ) -> None:
        async with db.transaction(twelve) as session:
            kept = await exported_head(session)
        assert kept.seq == 12
        await tamper(
            urls, twelve,
            "WITH cut AS (DELETE FROM audit_entry WHERE seq > 9 AND tenant_id = %s) UPDATE audit_head h"
            " SET seq = 9, hash = e.hash FROM audit_entry e WHERE e.tenant_id = h.tenant_id AND e.seq = 9"
            " AND h.tenant_id = %s", twelve.tenant_id,
        )  # fmt: skip

        assert (await verdict(db, twelve)).broken_at is None
        assert (await verdict(db, twelve, expected=[kept])).broken_at == 10

    async def test_a_removed_chain_is_detected_by_an_exported_head(
        self, db: Database, twelve: Scope, urls: Urls
    ) -> None:
        async with db.transaction(twelve) as session:
            kept = await exported_head(session)
        await tamper(
            urls, twelve,
            "WITH cut AS (DELETE FROM audit_entry WHERE tenant_id = %s) DELETE FROM audit_head WHERE tenant_id = %s",
            twelve.tenant_id,
        )  # fmt: skip

        assert (await verdict(db, twelve)).broken_at is None
        assert (await verdict(db, twelve, expected=[kept])).broken_at is not None

    async def test_verification_starts_from_an_anchor(self, db: Database, twelve: Scope, urls: Urls) -> None:
        async with db.transaction(twelve) as session:
            row = (await session.execute(text("SELECT hash FROM audit_entry WHERE seq = 5"))).one()
        anchor = ChainPoint(5, bytes(row.hash))
        assert (await verdict(db, twelve, anchor=anchor)).broken_at == 1, "entries before the anchor are still there"
        await tamper(urls, twelve, "DELETE FROM audit_entry WHERE seq <= 5 AND tenant_id = %s")

        assert (await verdict(db, twelve)).broken_at == 1
        found = await verdict(db, twelve, anchor=anchor, page=3)
        assert (found.entries, found.broken_at) == (12, None)
        assert (await verdict(db, twelve, anchor=ChainPoint(5, bytes(32)))).broken_at == 6


_COPY = "INSERT INTO audit_entry SELECT tenant_id, msp_id, {seq}, {at}, action, subject, body, hash FROM audit_entry"
_FORGE = """
    WITH put AS (INSERT INTO audit_entry SELECT tenant_id, msp_id, {seq}, at, action, subject, 'x', {hash}
                   FROM audit_entry WHERE seq = 12)
    UPDATE audit_head SET seq = {seq}, hash = {hash}
"""
_APART = [
    "UPDATE audit_head SET seq = seq - 1",
    "UPDATE audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex')",
    "UPDATE audit_head SET seq = seq + 1",
    "UPDATE audit_head SET hash = sha256('x')",
    "UPDATE audit_head SET seq = seq + 1, hash = sha256('x')",
    _COPY.format(seq="seq + 1", at="at") + " WHERE seq = 12",
    _COPY.format(seq="seq", at="at + interval '1 s'") + " WHERE seq = 12",
    _COPY.format(seq="0", at="at") + " WHERE seq = 12",
    _FORGE.format(seq=13, hash="sha256('x')"),
    _FORGE.format(seq=14, hash="sha256(hash || 'x'::bytea)"),
]


class TestGuards:
    """The database lets the head advance by its own entries only."""

    @pytest.mark.parametrize("statement", _APART)
    async def test_the_application_cannot_write_entries_without_the_head(
        self, db: Database, twelve: Scope, statement: str
    ) -> None:
        async def attempt() -> None:
            async with db.transaction(twelve) as session:
                await session.execute(text(statement))

        with pytest.raises(DBAPIError, match="audit") as refused:
            await attempt()
        assert getattr(refused.value.orig, "sqlstate", "") == "FL002"
        assert (await verdict(db, twelve)).broken_at is None
        await write(db, twelve)
        assert (await verdict(db, twelve)).entries == 13

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit_entry SET body = 'x' WHERE tenant_id = %s",
            "DELETE FROM audit_entry WHERE tenant_id = %s",
            "DELETE FROM audit_head WHERE tenant_id = %s",
            "UPDATE audit_head SET seq = 3 WHERE tenant_id = %s",
            "UPDATE audit_head SET msp_id = tenant_id, seq = seq + 1 WHERE tenant_id = %s",
            "WITH t AS (SELECT %s::uuid) INSERT INTO audit_head SELECT uuidv7(), uuidv7(), 5, sha256('x') FROM t",
        ],
    )
    async def test_nor_can_the_owner_by_a_mere_statement(self, twelve: Scope, urls: Urls, statement: str) -> None:
        async with await psycopg.AsyncConnection.connect(urls.owner) as connection:
            for table in ("audit_entry", "audit_head"):
                await connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            for part in await (await connection.execute(
                "SELECT oid::regclass::text FROM pg_class WHERE relispartition AND relkind = 'r'"
                " AND relname LIKE 'audit_entry%'"
            )).fetchall():  # fmt: skip
                await connection.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(sql.SQL(part[0])))
            with pytest.raises(psycopg.Error, match="audit") as refused:
                await connection.execute(statement.encode(), (twelve.tenant_id,))
            assert refused.value.sqlstate == "FL002"
            await connection.rollback()
