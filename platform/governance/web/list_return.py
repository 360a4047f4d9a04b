"""Redirect after an action on one item: to the list beside which its card was opened, or to the item's own page."""

from typing import Any, Final

from litestar import Request
from litestar.response import Redirect

from foundation.web.flash import done_cookies
from foundation.web.fragments import page_behind
from foundation.web.render import HEADERS, redirect_to
from tenants.access import Access

_LISTS: Final = ("/approvals", "/exceptions")
_INBOX: Final = "/inbox"


def redirect_from_item(request: Request[Any, Any, Any], access: Access, path: str, *, done: str) -> Redirect:
    """Redirect to the list that the form was sent from, with its filters; else to `path` of the account."""
    address = page_behind(request)
    if address.partition("?")[0] in {_INBOX, *(access.root + one for one in _LISTS)}:
        return Redirect(address, status_code=303, headers=dict(HEADERS), cookies=done_cookies(done))
    return redirect_to(access, path, done=done)
