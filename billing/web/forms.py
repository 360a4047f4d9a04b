"""Input of a page's form."""

from typing import Any

from litestar import Request


async def read_typed(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Texts by field, stripped, without the form's CSRF token."""
    return {name: str(value).strip() for name, value in (await request.form()).items() if name != "_csrf_token"}
