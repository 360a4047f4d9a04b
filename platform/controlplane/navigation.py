"""The menu: every room's entries that the member may use. Not an access check: every page checks its own permission."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from branding.shell import NavGroup, NavItem
from foundation.database.engine import scope_of
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.rooms import NavArea, NavEntry, Rooms
from tenants.models import Client
from tenants.principal import Principal

MOST: Final = 1_000
"""Badges stop counting here, to keep the menu cheap on every page."""
_STARTS: Final = ("/fleet", "/overview", "/channel")
_LABELS: Final = {NavArea.CLIENT_ACCOUNT: N_("Account")}


async def build_menu(
    session: AsyncSession, rooms: Rooms, principal: Principal, client: Client | None
) -> tuple[NavGroup, ...]:
    """The member's menu in the account of the page. A partner sees the menu of one client only."""
    areas = _areas(principal, client)
    entries = [
        entry
        for entry in rooms.every(lambda room: room.navigation)
        if entry.area in areas and principal.may(entry.permission)
    ]
    counts = await _count(session, [each for each in entries if each.badge and principal.may(each.badge_permission)])
    root = f"/clients/{client.slug}" if client is not None else ""
    groups = (NavGroup(items=_items(area, entries, counts, root), label=_label(area)) for area in areas)
    return tuple(group for group in groups if group.items)


def first_page(rooms: Rooms, principal: Principal) -> str:
    """Address of the member's start page: the overview, or the first entry of the menu that they may see."""
    home = principal.home
    areas = _areas(principal, home)
    entries = sorted(
        (entry for entry in rooms.every(lambda room: room.navigation) if entry.area in areas),
        key=lambda entry: (areas.index(entry.area), entry.position),
    )
    entries.sort(key=lambda entry: entry.path not in _STARTS)
    first = next((entry for entry in entries if principal.may(entry.permission)), entries[0])
    return (f"/clients/{home.slug}" if home is not None else "") + first.path


def _label(area: NavArea) -> str:
    return translate(_LABELS[area]) if area in _LABELS else ""


def _areas(principal: Principal, client: Client | None) -> tuple[NavArea, ...]:
    if principal.partner_id:
        return (NavArea.PARTNER,) if client is not None else ()
    return (NavArea.MSP,) if client is None else (NavArea.CLIENT, NavArea.CLIENT_ACCOUNT)


def _items(
    area: NavArea, entries: Sequence[NavEntry], counts: Mapping[NavEntry, int], root: str
) -> tuple[NavItem, ...]:
    here = sorted((entry for entry in entries if entry.area is area), key=lambda entry: entry.position)
    return tuple(
        NavItem(
            label=translate(each.label), href=root + each.path, icon=each.icon, count=counts.get(each),
            covers=tuple(root + path for path in each.covers),
        )
        for each in here
    )  # fmt: skip


async def _count(session: AsyncSession, entries: Sequence[NavEntry]) -> Mapping[NavEntry, int]:
    """All badges in one statement."""
    if not entries:
        return {}
    parts = (f"(SELECT count(*) FROM ({entry.badge} LIMIT :most) c)" for entry in entries)
    binds = {"t": scope_of(session).tenant_id, "most": MOST}
    counted = (await session.execute(text(f"SELECT {', '.join(parts)}"), binds)).one()
    return dict(zip(entries, counted, strict=True))
