"""Shared rendering of governance's pages. A refused action is rolled back, and its page shown again with the reason."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final, TypeVar

from litestar.response import Redirect, Template

from foundation.database.savepoint import savepoint
from foundation.errors import DomainError, InvalidInput, NotFound
from foundation.web.flash import done_cookies
from governance.labels import (
    level_of,
    write_difference,
    write_element,
    write_kind,
    write_share,
    write_value,
    write_work,
)
from tenants.access import Access

T = TypeVar("T")
_HEADERS: Final = {"Vary": "HX-Request, HX-Boosted", "Cache-Control": "no-store"}


def render_page(
    access: Access, template: str, title: str, context: Mapping[str, object], *, refusal: DomainError | None = None
) -> Template:
    """Render `template`, a page or fragment in templates/governance."""
    shared = {
        "page": access.page(title),
        "root": root_of(access),
        "account": access.account.name,
        "may": access.may,
        "me": str(access.principal.id),
        "value": write_value,
        "element": write_element,
        "kind": write_kind,
        "work": write_work,
        "level": level_of,
        "share": write_share,
        "difference": write_difference,
        "refusal": refusal,
    }
    status = 200 if refusal is None else int(refusal.status)
    return Template(
        f"governance/{template}", context=shared | dict(context), status_code=status, headers=dict(_HEADERS)
    )


def root_of(access: Access) -> str:
    """Root path of the client's pages; empty in the MSP's own account."""
    return "" if access.client is None else f"/clients/{access.client.slug}"


def redirect_to(access: Access, path: str, *, done: str = "") -> Redirect:
    """Redirect; `done` is a message shown on the next page."""
    return Redirect(root_of(access) + path, status_code=303, headers=dict(_HEADERS), cookies=done_cookies(done))


async def try_list(access: Access, found: Awaitable[T], empty: T) -> tuple[T, InvalidInput | None]:
    """Await a list; on InvalidInput return `empty` and the error, so that the page shows its filter with the input."""
    try:
        async with savepoint(access.session):
            return await found, None
    except InvalidInput as refusal:
        return empty, refusal


async def run_action(access: Access, act: Awaitable[Any]) -> DomainError | None:
    """Run `act` in full or not at all; returns the error. NotFound is still raised."""
    try:
        async with savepoint(access.session):
            await act
    except NotFound:
        raise
    except DomainError as refusal:
        return refusal
    return None
