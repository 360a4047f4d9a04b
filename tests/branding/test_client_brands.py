"""Clients' own parts of the brand in place of their MSP's, and their rows."""

import msgspec
import pytest
from sqlalchemy import text

from branding.brand import Brand, prepare_brand
from branding.client_brands import (
    client_image_reader,
    load_parts,
    read_client_brand,
    set_client_image,
    set_parts,
)
from branding.client_parts import NO_PARTS, ClientBrandParts, client_brand, generated_file, parse_parts
from branding.colour import contrast
from branding.directory import read_msp_brand, read_own_brand
from branding.errors import InvalidTheme
from branding.images import BrandImage, ImageKind
from branding.theme import Theme
from foundation.database.engine import Database
from foundation.errors import Forbidden
from foundation.ids import new_id
from foundation.scope import Scope
from tests.branding.test_brands import NOW, msp_setup, publish, some_host
from tests.branding.test_images import drawn
from tests.conftest import make_scope

THEIRS = Theme(name="Northwind", monogram="NW", accent="#fde047", on_accent="#000000", support_email="a@b.example")
PARTS = ClientBrandParts(name="Birch & Co", accent="#14532d", sender_name="Birch Shop")


def image(kind: ImageKind, width: int = 300, *, is_of_client: bool = False) -> BrandImage:
    return BrandImage(kind, f"/{kind}-{width}.png", width, 100, 5.0, 5.0, is_of_client=is_of_client)


def brand_of(images: dict[ImageKind, BrandImage] | None = None) -> Brand:
    return prepare_brand(brand_id=new_id(), msp_id=new_id(), slug="main", theme=THEIRS, images=images or {})


class TestParts:
    def test_what_is_not_set_is_the_msps(self) -> None:
        brand = brand_of()
        assert client_brand(brand, NO_PARTS, {}) is brand
        shown = client_brand(brand, ClientBrandParts(sender_name="Birch"), {})
        assert (shown.theme, shown.own_stylesheet, shown.icon) == (brand.theme, None, brand.icon)
        assert (shown.sender_name, shown.of_msp) == ("Birch", brand)

    def test_a_name_brings_its_initials_and_a_colour_its_readable_text(self) -> None:
        shown = client_brand(brand_of(), PARTS, {})
        assert (shown.name, shown.theme.monogram, shown.sender_name) == ("Birch & Co", "BC", "Birch Shop")
        assert shown.theme.on_accent == ""
        assert contrast(shown.theme.accent, shown.theme.accent_text) >= 4.5
        assert client_brand(brand_of(), ClientBrandParts(name="日本"), {}).theme.monogram == "NW"

    @pytest.mark.parametrize(
        ("wrong", "token"),
        [
            ({"accent": "green"}, "accent"),
            ({"accent": "#14532d", "on_accent": "#14532e"}, "on_accent"),
            ({"on_accent": "#ffffff"}, "on_accent"),
            ({"monogram": "abcd"}, "monogram"),
            ({"sender_name": "Eve\r\nBcc: x"}, "sender_name"),
            ({"name": "<b>"}, "name"),
            ({"support_email": "a@b.example"}, "theme"),
        ],
    )
    def test_a_part_that_no_brand_may_have_is_refused(self, wrong: dict[str, str], token: str) -> None:
        with pytest.raises(InvalidTheme) as refused:
            parse_parts(wrong)
        assert refused.value.token == token

    def test_a_drawn_mark_replaces_the_msps_logo_and_icon(self) -> None:
        theirs = {kind: image(kind) for kind in ImageKind}
        assert client_brand(brand_of(theirs), ClientBrandParts(accent="#14532d"), {}).images == theirs
        named = client_brand(brand_of(theirs), PARTS, {})
        assert (dict(named.images), "<svg" in named.signature) == ({}, True)
        own = {ImageKind.LOGO: image(ImageKind.LOGO, is_of_client=True)}
        shown = client_brand(brand_of(theirs), NO_PARTS, own)
        assert shown.images == {ImageKind.LOGO: own[ImageKind.LOGO], ImageKind.ICON: theirs[ImageKind.ICON]}

    def test_a_generated_file_follows_from_its_address(self) -> None:
        shown = client_brand(brand_of(), PARTS, {})
        for file in (shown.own_stylesheet, shown.icon):
            assert file is not None
            path, _, query = file.path.partition("?")
            tokens = dict(pair.split("=") for pair in query.replace("%23", "#").split("&"))
            assert generated_file(path, tokens) == file
            assert "Birch" not in file.path
        assert generated_file("x.js", {}) is None
        with pytest.raises(InvalidTheme):
            generated_file("x.css", {"accent": "url(//evil)"})


class TestRows:
    async def test_mails_of_the_client_alone_have_its_parts(self, db: Database) -> None:
        msp, host = msp_setup(), some_host()
        await publish(db, msp, host)
        client, sibling = (make_scope(msp_id=msp.msp_id) for _ in range(2))
        async with db.transaction(client) as session:
            await set_parts(session, PARTS, now=NOW)
            assert (await read_own_brand(session)).name == "Birch & Co"
            assert (await read_msp_brand(session)).name == "Northwind"
        for scope in (sibling, msp):
            async with db.transaction(scope) as session:
                assert (await read_own_brand(session)).name == "Northwind"

    async def test_no_other_account_reads_or_changes_them(self, db: Database) -> None:
        msp, other_msp = msp_setup(), msp_setup()
        client, sibling = (make_scope(msp_id=msp.msp_id) for _ in range(2))
        async with db.transaction(client) as session:
            await set_parts(session, PARTS, now=NOW)
        foreign = make_scope(msp_id=other_msp.msp_id)
        for scope in (sibling, foreign, msp, other_msp):
            async with db.transaction(scope) as session:
                assert (await read_client_brand(session)).parts == NO_PARTS
                assert await load_parts(session, [client.tenant_id]) == {}
                changed = await session.execute(text("UPDATE client_brand SET tokens = '{}' RETURNING 1"))
                assert changed.all() == []
        async with db.transaction(Scope(msp.msp_id, msp.msp_id, msp.actor, fleet=True)) as session:
            assert await load_parts(session, [client.tenant_id]) == {client.tenant_id: PARTS}
        async with db.transaction(Scope(other_msp.msp_id, other_msp.msp_id, msp.actor, fleet=True)) as session:
            assert await load_parts(session, [client.tenant_id]) == {}
        async with db.transaction(client) as session:
            assert (await read_client_brand(session)).parts == PARTS

    async def test_the_msps_own_account_has_none(self, db: Database) -> None:
        async with db.transaction(msp_setup()) as session:
            with pytest.raises(Forbidden):
                await set_parts(session, PARTS, now=NOW)

    async def test_an_image_is_served_on_hosts_of_its_msp_by_its_hash_only(self, db: Database) -> None:
        msp, other_msp, host, other_host = msp_setup(), msp_setup(), some_host(), some_host()
        await publish(db, msp, host)
        await publish(db, other_msp, other_host)
        client = make_scope(msp_id=msp.msp_id)
        async with db.transaction(client) as session:
            await set_client_image(session, kind=ImageKind.LOGO, content=drawn((300, 100)), now=NOW)
            [logo] = (await read_client_brand(session)).images.values()
        hashed = logo.path.rpartition("/")[2].removesuffix(".png")
        read = client_image_reader(db)
        found = await read(host, hashed)
        assert found is not None
        assert found.startswith(b"\x89PNG")
        assert await read(other_host, hashed) is None
        assert await read("nowhere.example", hashed) is None
        async with db.transaction(None, host=host) as session:
            assert (await session.execute(text("SELECT hash FROM client_brand_image"))).all() == []

    async def test_stored_parts_keep_only_what_is_set(self, db: Database) -> None:
        client = make_scope(msp_id=msp_setup().msp_id)
        async with db.transaction(client) as session:
            await set_parts(session, PARTS, now=NOW)
            await set_parts(session, ClientBrandParts(name="Birch"), now=NOW)
            stored = await session.scalar(text("SELECT tokens FROM client_brand"))
        assert stored == msgspec.to_builtins(ClientBrandParts(name="Birch")) == {"name": "Birch"}
