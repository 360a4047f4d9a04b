"""Redaction of all responses, before they are encoded. CSV files are redacted item by item (`csv_export`)."""

from typing import Any

from litestar import Response
from litestar.response import Template

from foundation.redaction import hidden_elements_now, redact


async def redact_response(response: Response[Any]) -> Response[Any]:
    """Hook of the application: the response without values that are hidden from its reader."""
    if not hidden_elements_now():
        return response
    if isinstance(response, Template):
        shown = response.context.items()
        response.context = {name: value if name == "page" else redact(value) for name, value in shown}
    else:
        response.content = redact(response.content)
    return response
