"""The search over all kinds of objects that its reader may see."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.i18n.localizer import translate
from foundation.rooms import Rooms
from foundation.search_sources import FindHits, SearchHit, SearchSource
from foundation.text import is_storable
from tenants.access import Access

LONGEST: Final = 200


class SearchItem(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` is a code such as `invoice`; `path` is the address of its page. `key`: the key of its record, if any;
    `note`: such as the name of its client.
    """

    kind: str
    id: str
    title: str
    path: str
    note: str
    key: str


class SearchGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Results of one kind."""

    label: str
    icon: str
    items: Sequence[SearchItem]


def clean_wanted(typed: str) -> str:
    """The typed text; empty if nothing could contain it."""
    wanted = typed.strip()[:LONGEST]
    return wanted if is_storable(wanted) else ""


async def search_account(rooms: Rooms, access: Access, typed: str) -> Sequence[SearchGroup]:
    """Objects that contain the text and that the reader may see: of the client in the address, else of the MSP and all
    its clients. The MSP's own objects are read last, in the scope of its account.
    """
    wanted = clean_wanted(typed)
    known = [one for one in search_sources(rooms) if access.may(one.permission)]
    if not wanted:
        return ()
    if access.client is not None:
        return await find_items(access.session, wanted, [(one, one.client) for one in known], root=access.root)
    found = list(await find_items(access.session, wanted, [(one, one.fleet) for one in known]))
    own = [(one, one.home) for one in known if one.home is not None]
    if own:
        await access.enter_home()
        found += await find_items(access.session, wanted, own)
    return found


def search_sources(rooms: Rooms) -> Sequence[SearchSource]:
    return sorted(rooms.every(lambda room: room.search_sources), key=lambda one: one.position)


async def find_items(
    session: AsyncSession, wanted: str, sources: Sequence[tuple[SearchSource, FindHits | None]], *, root: str = ""
) -> Sequence[SearchGroup]:
    found = []
    for source, find in sources:
        hits = await find(session, wanted) if find is not None else ()
        if hits:
            items = [_item(source, hit, root) for hit in hits]
            found.append(SearchGroup(label=translate(source.label), icon=source.icon, items=items))
    return found


def _item(source: SearchSource, hit: SearchHit, root: str) -> SearchItem:
    return SearchItem(
        kind=source.code, id=hit.id, title=hit.title, path=f"{root}{hit.path}", note=hit.note, key=hit.key
    )
