"""What every page of this room shares. A refused action shows its page again with the reason, undone."""

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
    """`template` is a file of templates/governance, a page or a fragment of one."""
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
    """Where the client's pages live; empty in the MSP's house."""
    return "" if access.client is None else f"/clients/{access.client.slug}"


def redirect_to(access: Access, path: str, *, done: str = "") -> Redirect:
    """`done` is shown on the page that follows."""
    return Redirect(root_of(access) + path, status_code=303, headers=dict(_HEADERS), cookies=done_cookies(done))


async def try_list(access: Access, found: Awaitable[T], empty: T) -> tuple[T, InvalidInput | None]:
    """A list, or none and why not: the page shows its filter again with what was asked for."""
    try:
        async with savepoint(access.session):
            return await found, None
    except InvalidInput as refusal:
        return empty, refusal


async def run_action(access: Access, act: Awaitable[Any]) -> DomainError | None:
    """Carry out `act`, or nothing of it; returns why not. What does not exist is still not found."""
    try:
        async with savepoint(access.session):
            await act
    except NotFound:
        raise
    except DomainError as refusal:
        return refusal
    return None
