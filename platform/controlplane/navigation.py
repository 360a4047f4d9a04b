"""The menu: every room's entries that the member may use. Not an access check: every page checks its own permission."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from branding.shell import NavGroup, NavItem
from foundation.database.engine import scope_of
from foundation.i18n.localizer import translate
from foundation.rooms import NavArea, NavEntry, Rooms
from tenants.models import Client
from tenants.principal import Principal

MOST: Final = 1_000
"""Badges stop counting here, to keep the menu cheap on every page."""
_STARTS: Final = ("/fleet", "/overview", "/channel")


async def build_menu(
    session: AsyncSession, rooms: Rooms, principal: Principal, client: Client | None
) -> tuple[NavGroup, ...]:
    """The member's menu in the account of the page. A partner sees the menu of one client only."""
    area = _area(principal, client)
    entries = [entry for entry in _entries(rooms, area) if principal.may(entry.permission)]
    counts = await _count(session, [each for each in entries if each.badge and principal.may(each.badge_permission)])
    root = f"/clients/{client.slug}" if client is not None else ""
    return tuple(
        NavGroup(items=_items(section, counts, root), label=translate(key.label) if key.label else "")
        for key, section in groupby(entries, key=lambda entry: entry.section)
    )


def first_page(rooms: Rooms, principal: Principal) -> str:
    """Address of the member's start page: the overview, or the first entry of the menu that they may see."""
    home = principal.home
    entries = _entries(rooms, _area(principal, home))
    entries.sort(key=lambda entry: entry.path not in _STARTS)
    first = next((entry for entry in entries if principal.may(entry.permission)), entries[0])
    return (f"/clients/{home.slug}" if home is not None else "") + first.path


def _area(principal: Principal, client: Client | None) -> NavArea | None:
    """None for a partner outside its client: it has no menu there."""
    if principal.partner_id:
        return NavArea.PARTNER if client is not None else None
    return NavArea.MSP if client is None else NavArea.CLIENT


def _entries(rooms: Rooms, area: NavArea | None) -> list[NavEntry]:
    return sorted(
        (entry for entry in rooms.every(lambda room: room.navigation) if entry.area is area),
        key=lambda entry: entry.place,
    )


def _items(entries: Iterable[NavEntry], counts: Mapping[NavEntry, int], root: str) -> tuple[NavItem, ...]:
    return tuple(
        NavItem(
            label=translate(each.label), href=root + each.path, icon=each.icon, count=counts.get(each),
            covers=tuple(root + path for path in each.covers),
        )
        for each in entries
    )  # fmt: skip


async def _count(session: AsyncSession, entries: Sequence[NavEntry]) -> Mapping[NavEntry, int]:
    """All badges in one statement."""
    if not entries:
        return {}
    parts = (f"(SELECT count(*) FROM ({entry.badge} LIMIT :most) c)" for entry in entries)
    binds = {"t": scope_of(session).tenant_id, "most": MOST}
    counted = (await session.execute(text(f"SELECT {', '.join(parts)}"), binds)).one()
    return dict(zip(entries, counted, strict=True))
