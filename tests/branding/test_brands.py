"""Brands in the database: found by host without a session, changed by their MSP only."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from branding.brand import Brand
from branding.directory import BrandDirectory, read_own_brand, resolve_brand
from branding.errors import HostTaken, UnknownHost
from branding.manage import point_host, release_host, set_brand
from branding.theme import Theme
from foundation.database.engine import Database
from foundation.errors import InvalidInput, NotFound
from foundation.ids import new_id
from foundation.scope import Scope
from tests.conftest import make_scope

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def msp_setup() -> Scope:
    msp_id = new_id()
    return make_scope(msp_id=msp_id, tenant_id=msp_id)


def some_theme(name: str = "Northwind", accent: str = "#4f46e5") -> Theme:
    return Theme(name=name, monogram="NW", accent=accent, support_email="help@northwind.example")


def some_host() -> str:
    return f"{new_id().hex[16:]}.portal.example"


async def publish(db: Database, scope: Scope, host: str, theme: Theme | None = None, slug: str = "main") -> None:
    async with db.transaction(scope) as session:
        await set_brand(session, slug=slug, theme=theme or some_theme(), now=NOW, new_id=new_id)
        await point_host(session, slug=slug, host=host, now=NOW)


class TestHostLookup:
    async def test_a_host_shows_its_brand_before_any_scope_is_known(self, db: Database) -> None:
        scope, host = msp_setup(), some_host()
        await publish(db, scope, host)
        async with db.transaction(None, host=host) as session:
            brand = await resolve_brand(session, f"{host.upper()}:8443")
        assert brand is not None
        assert (brand.msp_id, brand.slug, brand.theme) == (scope.msp_id, "main", some_theme())

    async def test_only_rows_of_the_requested_host_are_readable(self, db: Database) -> None:
        scope, host, other = msp_setup(), some_host(), some_host()
        await publish(db, scope, host)
        await publish(db, scope, other, some_theme("Second"), slug="second")
        async with db.transaction(None, host=host) as session:
            hosts = (await session.execute(text("SELECT host FROM brand_domain"))).scalars().all()
            names = (await session.execute(text("SELECT name FROM brand"))).scalars().all()
        assert (list(hosts), list(names)) == ([host], ["Northwind"])

    async def test_without_host_and_scope_nothing_can_be_read(self, db: Database) -> None:
        await publish(db, msp_setup(), some_host())
        async with db.transaction(None) as session:
            for table in ("brand", "brand_domain"):
                assert await session.scalar(text(f"SELECT count(*) FROM {table}")) == 0

    @pytest.mark.parametrize("verb", ["UPDATE brand SET name = 'x'", "DELETE FROM brand_domain"])
    async def test_a_hosts_row_is_for_reading_only(self, db: Database, verb: str) -> None:
        host = some_host()
        await publish(db, msp_setup(), host)
        async with db.transaction(None, host=host) as session:
            changed = await session.execute(text(f"{verb} RETURNING 1"))
            assert changed.all() == []


class TestManaging:
    async def test_a_host_of_another_msp_is_refused_and_unchanged(self, db: Database) -> None:
        owner, thief, host = msp_setup(), msp_setup(), some_host()
        await publish(db, owner, host)
        with pytest.raises(HostTaken):
            await publish(db, thief, host, some_theme("Thief"))
        async with db.transaction(None, host=host) as session:
            brand = await resolve_brand(session, host)
        assert brand is not None
        assert brand.name == "Northwind"

    async def test_setting_a_brand_again_keeps_its_id_and_host(self, db: Database) -> None:
        scope, host = msp_setup(), some_host()
        await publish(db, scope, host)
        async with db.transaction(scope) as session:
            changed = await set_brand(session, slug="main", theme=some_theme("Renamed"), now=NOW, new_id=new_id)
        async with db.transaction(None, host=host) as session:
            brand = await resolve_brand(session, host)
        assert brand == changed

    async def test_a_host_moves_between_brands_of_one_msp(self, db: Database) -> None:
        scope, host = msp_setup(), some_host()
        await publish(db, scope, host)
        await publish(db, scope, host, some_theme("Second"), slug="second")
        async with db.transaction(None, host=host) as session:
            brand = await resolve_brand(session, host)
        assert brand is not None
        assert brand.slug == "second"

    async def test_a_released_host_shows_nothing_and_cannot_be_released_by_others(self, db: Database) -> None:
        scope, host = msp_setup(), some_host()
        await publish(db, scope, host)
        with pytest.raises(NotFound):
            async with db.transaction(msp_setup()) as session:
                await release_host(session, host=host, now=NOW)
        async with db.transaction(scope) as session:
            await release_host(session, host=host, now=NOW)
        async with db.transaction(None, host=host) as session:
            assert await resolve_brand(session, host) is None

    async def test_every_change_is_in_the_audit_chain(self, db: Database) -> None:
        scope, host = msp_setup(), some_host()
        await publish(db, scope, host)
        async with db.transaction(scope) as session:
            query = text("SELECT action FROM audit_entry WHERE tenant_id = :tenant ORDER BY seq")
            actions = (await session.execute(query, {"tenant": scope.tenant_id})).scalars().all()
        assert list(actions) == ["brand.set", "brand.domain_added"]

    async def test_a_host_in_another_script_is_recognised_as_browsers_send_it(self, db: Database) -> None:
        scope, label = msp_setup(), f"müller-{new_id().hex[16:]}"
        await publish(db, scope, unicodedata.normalize("NFD", f"{label.title()}.example"))
        sent = f"xn--{label.encode('punycode').decode()}.example"
        async with db.transaction(None, host=sent) as session:
            assert await resolve_brand(session, sent) is not None

    @pytest.mark.parametrize(
        "host", ["", "exa mple.com", "-a.example", "a..b", "[::1]", "a" * 64 + ".example", "x'; --"]
    )
    async def test_an_invalid_host_name_is_refused(self, db: Database, host: str) -> None:
        async with db.transaction(msp_setup()) as session:
            with pytest.raises(InvalidInput):
                await point_host(session, slug="main", host=host, now=NOW)

    async def test_a_client_has_no_brands_of_its_own(self, db: Database, scope: Scope) -> None:
        async with db.transaction(scope) as session:
            with pytest.raises(RuntimeError, match="account"):
                await set_brand(session, slug="main", theme=some_theme(), now=NOW, new_id=new_id)


class TestOwnBrand:
    async def test_a_clients_job_reads_the_brand_its_msp_was_opened_with(self, db: Database) -> None:
        scope = msp_setup()
        await publish(db, scope, some_host())
        await publish(db, scope, some_host(), some_theme("Second"), slug="a-second")
        for client in (scope.for_tenant(new_id()), scope.for_tenant(new_id()), scope):
            async with db.transaction(client) as session:
                brand = await read_own_brand(session)
            assert (brand.msp_id, brand.slug, brand.theme) == (scope.msp_id, "main", some_theme())

    async def test_nobody_reads_brands_of_another_msp(self, db: Database) -> None:
        first, second = msp_setup(), msp_setup()
        await publish(db, first, some_host(), some_theme("First"))
        async with db.transaction(second.for_tenant(new_id())) as session:
            with pytest.raises(NotFound):
                await read_own_brand(session)
        await publish(db, second, some_host(), some_theme("Second"))
        for scope, name in ((first, "First"), (second, "Second")):
            async with db.transaction(scope.for_tenant(new_id())) as session:
                assert (await read_own_brand(session)).name == name

    async def test_the_right_ends_with_the_read(self, db: Database) -> None:
        scope = msp_setup()
        await publish(db, scope, some_host())
        async with db.transaction(scope.for_tenant(new_id())) as session:
            await read_own_brand(session)
            assert await session.scalar(text("SELECT count(*) FROM brand")) == 0

    async def test_the_right_opens_the_own_msps_brands_for_reading_and_nothing_else(self, db: Database) -> None:
        scope, stranger = msp_setup(), msp_setup()
        await publish(db, scope, some_host())
        await publish(db, stranger, some_host())
        client = scope.for_tenant(new_id())
        for who, sees in (
            (client, [scope.msp_id]),
            (Scope(stranger.msp_id, client.tenant_id, client.actor), [stranger.msp_id]),
            (replace(client, partner_id=new_id()), []),
            (make_scope(), []),
            (None, []),
        ):
            async with db.transaction(who) as session:
                await session.execute(text("SELECT set_config('app.brand', 'own', true)"))
                assert list((await session.execute(text("SELECT tenant_id FROM brand"))).scalars()) == sees
                assert list((await session.execute(text("SELECT tenant_id FROM brand_domain"))).scalars()) == sees
                assert (
                    await session.execute(text("UPDATE brand_domain SET brand_id = brand_id RETURNING 1"))
                ).all() == []
                assert (await session.execute(text("UPDATE brand SET name = 'x' RETURNING 1"))).all() == []
                assert not await session.scalar(text("SELECT has_table_privilege('brand', 'DELETE')"))


class TestDirectory:
    async def test_results_are_cached_for_the_ttl(self, db: Database) -> None:
        scope, host = msp_setup(), some_host()
        await publish(db, scope, host)
        clock, forward = movable_clock()
        directory = BrandDirectory(db, clock, ttl=timedelta(seconds=5))
        first = await directory.for_host(host)
        await publish(db, scope, host, some_theme("Renamed"))
        forward(4)
        assert await directory.for_host(host) is first
        forward(1)
        assert (await directory.for_host(host)).name == "Renamed"

    async def test_a_forgotten_brand_is_read_again_and_others_stay(self, db: Database) -> None:
        scope, host, new, other_host = msp_setup(), some_host(), some_host(), some_host()
        await publish(db, scope, host)
        await publish(db, msp_setup(), other_host)
        directory = BrandDirectory(db, lambda: NOW)
        other = [await directory.for_host(one) for one in (host, other_host)][1]
        with pytest.raises(UnknownHost):
            await directory.for_host(new)
        await publish(db, scope, host, some_theme("Renamed"))
        await publish(db, scope, new, some_theme("Renamed"))
        directory.forget(scope.msp_id)
        assert [(await directory.for_host(one)).name for one in (host, new)] == ["Renamed", "Renamed"]
        assert directory.remembered(other_host) is other

    async def test_a_brand_that_was_read_before_it_was_forgotten_is_not_kept(
        self, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scope, host = msp_setup(), some_host()
        await publish(db, scope, host)
        directory = BrandDirectory(db, lambda: NOW)

        async def resolve(session: AsyncSession, name: str) -> Brand | None:
            found = await resolve_brand(session, name)
            directory.forget(scope.msp_id)  # the change is committed meanwhile
            return found

        with monkeypatch.context() as patched:
            patched.setattr("branding.directory.resolve_brand", resolve)
            assert (await directory.for_host(host)).name == "Northwind"
        assert directory.remembered(host) is None

    @pytest.mark.parametrize("host", ["", "nobody.example", "' OR 1=1", "[::1]:8000", "a" * 300])
    async def test_an_unknown_host_is_not_found(self, db: Database, host: str) -> None:
        with pytest.raises(UnknownHost):
            await BrandDirectory(db, lambda: NOW).for_host(host)

    async def test_invented_hosts_neither_fill_the_cache_nor_evict_brands(self, db: Database) -> None:
        scope, host = msp_setup(), some_host()
        await publish(db, scope, host)
        directory = BrandDirectory(db, lambda: NOW)
        first = await directory.for_host(host)
        for number in range(1100):
            directory._unknown[f"h{number}.example"] = (NOW, None)
        with pytest.raises(UnknownHost):
            await directory.for_host("one-more.example")
        assert len(directory._unknown) == 1024
        assert directory.remembered(host) is first

    async def test_a_clock_set_back_does_not_extend_the_ttl(self, db: Database) -> None:
        scope, host = msp_setup(), some_host()
        await publish(db, scope, host)
        clock, forward = movable_clock()
        directory = BrandDirectory(db, clock)
        await directory.for_host(host)
        await publish(db, scope, host, some_theme("Renamed"))
        forward(-86_400)
        assert (await directory.for_host(host)).name == "Renamed"

    async def test_a_host_added_and_removed_takes_effect_at_once(self, db: Database) -> None:
        scope, host = msp_setup(), some_host()
        clock, forward = movable_clock()
        directory = BrandDirectory(db, clock)
        with pytest.raises(UnknownHost):
            await directory.for_host(host)
        await publish(db, scope, host)
        forward(6)
        assert directory.remembered(host) is None
        assert (await directory.for_host(host)) is directory.remembered(host)
        async with db.transaction(scope) as session:
            await release_host(session, host=host, now=NOW)
        forward(6)
        with pytest.raises(UnknownHost):
            await directory.for_host(host)
        assert directory.remembered(host) is None


def movable_clock() -> tuple[Callable[[], datetime], Callable[[int], None]]:
    times = [NOW]

    def forward(seconds: int) -> None:
        times.append(times[-1] + timedelta(seconds=seconds))

    return (lambda: times[-1]), forward
