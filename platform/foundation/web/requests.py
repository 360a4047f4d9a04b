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
from litestar.exceptions import ValidationException
from litestar.params import BodyKwarg

from foundation.decoding import decode_json, find_repeated_key, holds_nul
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.text import mark_hidden
from foundation.web.boundary import header_text
from foundation.web.errors import MalformedBody, UnsupportedBody
from foundation.web.file_forms import read_parts

FORM_BYTES: Final = 64 * 1024
"""Body limit of pages and of the API, unless a route sets its own."""
PUBLIC_FORM_BYTES: Final = 8 * 1024
"""Body limit of forms open to anonymous users."""
FORM_FIELDS: Final = 64
_QUOTED: Final = 80
_BODY: Final = "data"
"""The framework's name for a body."""
_PLACE: Final = re.compile(r" - at `\$\.?(.*)`\Z")
_JSON_SUFFIX: Final = re.compile(r"application/[a-z0-9.!#$&^_-]+\+json")


EXTENSIBLE: Final = "extensible"
"""Option of a route whose standard allows further fields in the body; they are ignored."""


class RequestBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the bodies of the API. Unknown fields are refused, because a misspelt one would otherwise be ignored."""


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
                raise MalformedBody(N_("The body is not valid JSON: {error}."), params={"error": error}) from None
            if (repeated := find_repeated_key(body or b"null")) is not None:
                name = mark_hidden(repeated[:_QUOTED])
                raise MalformedBody(
                    N_("An object in the body has the field “{name}” twice. Send each field once."),
                    params={"name": name},
                )
            if holds_nul(body):
                raise InvalidInput(N_("A text contains the character U+0000. Remove it."))
            self._decoded = decoded
        return self._decoded

    async def form(self) -> FormMultiDict:
        """The fields of a form; empty for a body of another type.

        Raises:
            UnsupportedBody: the body is a multipart form and the route takes no files, or the body is compressed.
            MalformedBody: the form has too many fields.

        A field may contain U+0000: it is refused when the field is validated, and the form shown again as typed.
        """
        if self._fields is None:
            self._fields = FormMultiDict(await self._read_fields())
        return self._fields

    def _takes_files(self) -> bool:
        handler = self.scope.get("route_handler")
        return handler is not None and bool(handler.opt.get("files"))

    async def _read_fields(self) -> list[tuple[str, Any]]:
        kind = self.content_type[0]
        if kind == RequestEncodingType.MULTI_PART and self._takes_files():
            _require_plain(self.scope)
            return list(read_parts(await self.body(), self.content_type[1].get("boundary", "")))
        if kind == RequestEncodingType.MULTI_PART:
            raise UnsupportedBody(N_("Send forms as application/x-www-form-urlencoded."))
        if kind != RequestEncodingType.URL_ENCODED:
            return []
        _require_plain(self.scope)
        text = (await self.body()).decode("latin-1")
        try:
            return parse_qsl(text, keep_blank_values=True, max_num_fields=FORM_FIELDS)
        except ValueError:
            raise MalformedBody(N_("A form has at most {most} fields."), params={"most": FORM_FIELDS}) from None


async def check_body(request: Request[Any, Any, Any]) -> None:
    """Compare a JSON body with its declared form, strictly: the framework accepts `"900"` for a number and
    `1` for a truth value, as in forms. An empty body is left to the framework.

    Raises:
        ValidationException: as the framework's, with the field.
    """
    field = request.route_handler.parsed_data_field
    if field is None or not isinstance(field.kwarg_definition, BodyKwarg) or not await request.body():
        return
    if field.kwarg_definition.media_type != RequestEncodingType.JSON:
        return
    try:
        sent = _with_integers(await request.json())
        known = msgspec.convert(sent, field.annotation)
        if not request.route_handler.opt.get(EXTENSIBLE):
            _check_known(sent, msgspec.to_builtins(known))
    except msgspec.ValidationError as error:
        message = str(error)
        place = _PLACE.search(message)
        key = (place.group(1) if place else "") or _BODY
        raise ValidationException(extra=[{"key": key, "message": message, "source": "body"}]) from None


def _with_integers(value: Any) -> Any:
    """The value with integers for whole numbers: `900.0` and `9e2` are integers in JSON Schema."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _with_integers(each) for key, each in value.items()}
    return [_with_integers(each) for each in value] if isinstance(value, list) else value


def _check_known(sent: Any, known: Any) -> None:
    """Compare the body with its decoded form: the structs of values allow the fields of later releases.

    Raises: msgspec.ValidationError.
    """
    if isinstance(sent, dict):
        for key, value in sent.items():
            if key not in known:
                raise msgspec.ValidationError(f"Object contains unknown field `{key}`")
            _check_known(value, known[key])
    elif isinstance(sent, list):
        for one, other in zip(sent, known, strict=True):
            _check_known(one, other)


def _require_plain(scope: Mapping[str, Any]) -> None:
    """Refuse compressed bodies: a small body could become a large one.

    Raises: UnsupportedBody.
    """
    codings = [coding.strip().lower() for coding in header_text(scope, b"content-encoding").split(",")]
    if any(coding not in {"", "identity"} for coding in codings):
        raise UnsupportedBody(N_("Send the body without a Content-Encoding."))


def _require_json(scope: Mapping[str, Any]) -> None:
    """Refuse other content types. A body without a type is accepted as JSON.

    Raises: UnsupportedBody.
    """
    kind, *parameters = [part.strip().lower() for part in header_text(scope, b"content-type").split(";")]
    if kind and kind != "application/json" and not _JSON_SUFFIX.fullmatch(kind):
        raise UnsupportedBody(N_("Send the body as application/json."))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedBody(N_("Send the body in UTF-8."))
