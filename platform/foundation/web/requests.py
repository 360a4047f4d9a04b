"""Request class of the application: bodies are parsed within limits, and a parse error is a client error, returned as a
problem.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.datastructures import FormMultiDict
from litestar.enums import RequestEncodingType

from foundation.decoding import decode_json, find_repeated_key, holds_nul
from foundation.errors import InvalidInput
from foundation.text import mark_hidden
from foundation.web.boundary import header_text
from foundation.web.errors import MalformedBody, UnsupportedBody

FORM_BYTES: Final = 64 * 1024
"""Body limit of pages and of the API, unless a route sets its own."""
PUBLIC_FORM_BYTES: Final = 8 * 1024
"""Body limit of forms open to anonymous users."""
FORM_FIELDS: Final = 64
_QUOTED: Final = 80
_JSON_SUFFIX: Final = re.compile(r"application/[a-z0-9.!#$&^_-]+\+json")


class BoundedRequest(Request[Any, Any, Any]):
    """Request with bounded parsing. Results are cached per request object, not per process: forms contain passwords."""

    _decoded: Any = msgspec.UNSET
    _fields: FormMultiDict | None = None

    async def json(self) -> Any:
        """The body, decoded with a bounded depth.

        Raises:
            UnsupportedBody: the content type is another, or the body is compressed.
            MalformedBody: invalid JSON, nested too deeply, or with a duplicate key.
            InvalidInput: a string contains U+0000.
        """
        if self._decoded is msgspec.UNSET:
            body = await self.body()
            if body:
                _require_plain(self.scope)
                _require_json(self.scope)
            try:
                decoded = decode_json(body or b"null")
            except (msgspec.DecodeError, UnicodeError) as error:
                raise MalformedBody(f"The body is not valid JSON: {error}.") from None
            if (repeated := find_repeated_key(body or b"null")) is not None:
                name = mark_hidden(repeated[:_QUOTED])
                raise MalformedBody(f"An object in the body has the field “{name}” twice. Send each field once.")
            if holds_nul(body):
                raise InvalidInput("A text holds the character U+0000. Remove it.")
            self._decoded = decoded
        return self._decoded

    async def form(self) -> FormMultiDict:
        """The fields of a form; empty for a body of another type.

        Raises:
            UnsupportedBody: it is a multipart form, or compressed.
            MalformedBody: it has too many fields.

        A field may contain U+0000: it is refused when the field is validated, and the form shown again as typed.
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
        _require_plain(self.scope)
        text = (await self.body()).decode("latin-1")
        try:
            return parse_qsl(text, keep_blank_values=True, max_num_fields=FORM_FIELDS)
        except ValueError:
            raise MalformedBody(f"A form has at most {FORM_FIELDS} fields.") from None


def _require_plain(scope: Mapping[str, Any]) -> None:
    """Refuse compressed bodies: a small body could become a large one.

    Raises: UnsupportedBody.
    """
    codings = [coding.strip().lower() for coding in header_text(scope, b"content-encoding").split(",")]
    if any(coding not in {"", "identity"} for coding in codings):
        raise UnsupportedBody("Send the body without a Content-Encoding.")


def _require_json(scope: Mapping[str, Any]) -> None:
    """Refuse other content types. A body without a type is accepted as JSON.

    Raises: UnsupportedBody.
    """
    kind, *parameters = [part.strip().lower() for part in header_text(scope, b"content-type").split(";")]
    if kind and kind != "application/json" and not _JSON_SUFFIX.fullmatch(kind):
        raise UnsupportedBody("Send the body as application/json.")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedBody("Send the body in UTF-8.")
