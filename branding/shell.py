"""Data of the page shell: one `Page` per response."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from branding.brand import Brand
from foundation.errors import DomainError


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    label: str
    href: str
    icon: str
    current: bool = False
    count: int | None = None
    covers: tuple[str, ...] = ()
    """Addresses of further pages that belong to the entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NavGroup:
    items: tuple[NavItem, ...]
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    name: str
    role: str
    settings_href: str = "/settings"
    sign_out_href: str = "/sign-out"
    sign_out_all_href: str = "/sign-out-everywhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bell:
    """The viewer's notifications: the page that lists them, and the number of unread ones."""

    href: str
    unread: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LooksAs:
    """An impersonation: `by` looks as `member`. `csrf_token` is for the form that ends it."""

    by: str
    member: str
    until: datetime
    csrf_token: str
    end_href: str = "/impersonation/end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Onlooker:
    """Staff who look at the account's pages as one of its members. Without `member`, as the viewer of the page."""

    by: str
    member: str
    since: datetime | None
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The client (or the MSP account) whose records the page shows."""

    name: str
    kind: str
    switch_href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Template variable `page`. `now` is the reference of relative times."""

    brand: Brand
    title: str
    now: datetime
    csrf_token: str = ""
    nav: tuple[NavGroup, ...] = ()
    viewer: Viewer | None = None
    account: Account | None = None
    bell: Bell | None = None
    support_email: str = ""
    """E-mail address for help, shown at the foot of the side bar; empty for the MSP's own staff."""
    search_href: str = ""
    """Address of the search's results; without it, the page has no search."""
    boosted: bool = False
    looks_as: LooksAs | None = None
    onlookers: tuple[Onlooker, ...] = ()
    notices: tuple[DomainError, ...] = ()
    """Invalid parts of the address, shown above the content."""

    @property
    def layout(self) -> str:
        return "layout_boost.html" if self.boosted else "layout.html"


def is_boosted(headers: Mapping[str, str]) -> bool:
    """Whether the browser requests only the page's content. Responses that depend on this carry `Vary: HX-Request`.

    A page restored from history is requested with HX-Request too, and must be complete.
    """
    return headers.get("hx-boosted") == "true" and headers.get("hx-history-restore-request") != "true"


def is_page(headers: Mapping[str, str], path: str) -> bool:
    """Whether the response is a page, with its shell or boosted: not the API, and no self-refreshing part."""
    part = headers.get("hx-request") == "true" and headers.get("hx-history-restore-request") != "true"
    return not path.startswith("/api/") and (not part or is_boosted(headers))


def mark_current(nav: tuple[NavGroup, ...], path: str) -> tuple[NavGroup, ...]:
    """`nav` with the current entry marked: the one of which an address is the longest prefix of `path`."""
    items = [item for group in nav for item in group.items]
    nearest = max(items, key=lambda item: _inside(path, item), default=None)
    current = nearest.href if nearest is not None and _inside(path, nearest) else None
    return tuple(
        NavGroup(label=group.label, items=tuple(replace(item, current=item.href == current) for item in group.items))
        for group in nav
    )


def _inside(path: str, item: NavItem) -> int:
    """Length of the item's longest address that `path` is inside of; 0 if it is inside of none."""
    return max((len(href) for href in (item.href, *item.covers) if _is_inside(path, href)), default=0)


def _is_inside(path: str, href: str) -> bool:
    return path == href or (href != "/" and path.startswith(href.rstrip("/") + "/"))
