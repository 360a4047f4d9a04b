"""Rendering of pages, once for all rooms.

`foundation` is below `branding` and `tenants`, so the request's context is a protocol with the page's shell, the root
address and the permissions. `tenants.access.Access` is the product's.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from litestar.response import Redirect, Template

from foundation.errors import DomainError
from foundation.web.flash import done_cookies

HEADERS: Final = {"Vary": "HX-Request, HX-Boosted", "Cache-Control": "no-store"}


class PageAccess(Protocol):
    """The part of a request's context that a page needs. `root` is the address of the account's pages."""

    @property
    def root(self) -> str: ...

    def page(self, title: str) -> Any: ...

    def may(self, permission: str) -> bool: ...


def render_page(
    access: PageAccess, template: str, title: str, context: Mapping[str, object], *, refusal: DomainError | None = None
) -> Template:
    """A page or a fragment. With a refusal, the status is the refusal's: the page shows it with the input."""
    shared = {"page": access.page(title), "root": access.root, "may": access.may, "refusal": refusal}
    status = 200 if refusal is None else int(refusal.status)
    return Template(template, context=shared | dict(context), status_code=status, headers=dict(HEADERS))


def redirect_to(access: PageAccess, path: str, *, done: str = "") -> Redirect:
    """Redirect to a page of the account; `done` is a message shown there."""
    return Redirect(access.root + path, status_code=303, headers=dict(HEADERS), cookies=done_cookies(done))
