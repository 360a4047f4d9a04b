"""Flash message for the next page, such as “Approved”: a cookie that the page's script reads, shows and removes."""

from urllib.parse import quote

from litestar.datastructures import Cookie

NAME = "done"
_SECONDS = 20


def done_cookies(message: str) -> list[Cookie]:
    """Cookies for the message; none when it is empty. The text is fixed by the product, never user input."""
    if not message:
        return []
    return [Cookie(key=NAME, value=quote(message), path="/", max_age=_SECONDS, samesite="lax", httponly=False)]
