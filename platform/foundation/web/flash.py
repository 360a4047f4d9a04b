"""One short message for the next page, such as “Approved”: a cookie that the page's script reads, shows and removes."""

from urllib.parse import quote

from litestar.datastructures import Cookie

NAME = "done"
_SECONDS = 20


def done_cookies(message: str) -> list[Cookie]:
    """None without a message. The text is fixed by the product, never what somebody typed."""
    if not message:
        return []
    return [Cookie(key=NAME, value=quote(message), path="/", max_age=_SECONDS, samesite="lax", httponly=False)]
