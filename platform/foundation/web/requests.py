"""The request class of the application: bodies are parsed within limits, and what cannot be parsed is the sender's
error, told as a problem.
"""

from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.datastructures import FormMultiDict
from litestar.enums import RequestEncodingType

from foundation.decoding import decode_json, holds_nul
from foundation.errors import DomainError, InvalidInput

FORM_BYTES: Final = 64 * 1024
"""Bodies of pages and of the API, unless a route sets its own limit."""
PUBLIC_FORM_BYTES: Final = 8 * 1024
"""Forms that anybody may send."""
FORM_FIELDS: Final = 64


class MalformedBody(DomainError):
    code = "malformed-body"
    title = "The body cannot be read"


class UnsupportedBody(DomainError):
    status = 415
    code = "unsupported-body"
    title = "The body's format is not supported"


class BoundedRequest(Request[Any, Any, Any]):
    """Kept per request object, not in a cache of the process: forms hold passwords."""

    _decoded: Any = msgspec.UNSET
    _fields: FormMultiDict | None = None

    async def json(self) -> Any:
        """The body, decoded with a bounded depth.

        Raises:
            MalformedBody: it is no JSON, or nested too deeply.
            InvalidInput: a text in it holds U+0000.
        """
        if self._decoded is msgspec.UNSET:
            body = await self.body()
            try:
                self._decoded = decode_json(body or b"null")
            except (msgspec.DecodeError, UnicodeError) as error:
                raise MalformedBody(f"The body is not valid JSON: {error}.") from None
            if holds_nul(body):
                raise InvalidInput("A text holds the character U+0000. Remove it.")
        return self._decoded

    async def form(self) -> FormMultiDict:
        """The fields of a form; empty for a body of another type.

        Raises:
            UnsupportedBody: it is a multipart form.
            MalformedBody: it has too many fields.
            InvalidInput: a field holds U+0000.
        """
        if self._fields is None:
            self._fields = FormMultiDict(await self._read_fields())
        return self._fields

    async def _read_fields(self) -> list[tuple[str, Any]]:
        kind = self.content_type[0]
        if kind == RequestEncodingType.MULTI_PART:
            raise UnsupportedBody("Send forms as application/x-www-form-urlencoded.")
        if kind != RequestEncodingType.URL_ENCODED:
            return []
        text = (await self.body()).decode("latin-1")
        try:
            fields = parse_qsl(text, keep_blank_values=True, max_num_fields=FORM_FIELDS)
        except ValueError:
            raise MalformedBody(f"A form has at most {FORM_FIELDS} fields.") from None
        for name, value in fields:
            if "\x00" in name or "\x00" in value:
                raise InvalidInput("A field holds the character U+0000. Remove it.", field=name.replace("\x00", ""))
        return list(fields)
