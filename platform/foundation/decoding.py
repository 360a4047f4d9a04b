"""JSON from outside: one decoder with a bounded depth for request bodies, webhooks and other systems' responses.

msgspec recurses once per level and raises `RecursionError` at a depth that depends on the caller's stack; that is no
`DecodeError`, so callers would handle a hostile document as a defect of their own. Here the depth is checked before
parsing, and the limit is the same everywhere.
"""

import json
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar, overload

import msgspec

from foundation.text import mark_hidden

MAX_DEPTH: Final = 64
"""Far above the depth of any message we exchange; far below the limit of every parser involved (the
database's, too).
"""

T = TypeVar("T")
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_TO_SQUARE: Final = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_SURROGATE: Final = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_LEAP_SECOND: Final = re.compile(rb'"(\d{4}-\d\d-\d\d[Tt ]\d\d:59):60((?:\.\d{1,9})?)([Zz]|[+-]\d\d:\d\d)"')
_QUOTED: Final = 80
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class TooDeep(msgspec.DecodeError):
    """The document is nested deeper than `MAX_DEPTH`, or its brackets do not match."""

    def __init__(self) -> None:
        super().__init__(f"JSON is nested more than {MAX_DEPTH} levels deep, or its brackets do not match")


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, to distinguish them from a list."""


class RepeatedKey(msgspec.DecodeError):
    """An object has a field twice. Parsers differ in which of the values they use, so none is used."""

    def __init__(self, key: str) -> None:
        self.key = mark_hidden(key[:_QUOTED])
        super().__init__(f"an object has the field “{self.key}” more than once, so its value is ambiguous")


class _Repeated(Exception):
    """Signal of the JSON hook; its argument is the key that an object contains twice."""


class JsonDecoder(Generic[T]):
    """`msgspec.json.Decoder` with a bounded depth; errors are `msgspec.DecodeError`."""

    @overload
    def __init__(self: "JsonDecoder[Any]", shape: None = None) -> None: ...

    @overload
    def __init__(self: "JsonDecoder[T]", shape: type[T]) -> None: ...

    @overload
    def __init__(self: "JsonDecoder[Any]", shape: Any) -> None: ...

    def __init__(self, shape: Any = None) -> None:
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Any if shape is None else shape)

    def decode(self, document: bytes | str | msgspec.Raw) -> T:
        """Decode a document. Raises: msgspec.DecodeError, of which msgspec.ValidationError is a subclass."""
        raw = _bytes(document)
        check_depth(raw)
        try:
            return self._decoder.decode(raw)  # type: ignore[no-any-return]
        except RecursionError:  # Python's own error, which msgspec passes on
            raise TooDeep from None
        except UnicodeDecodeError as error:  # msgspec passes Python's own on
            raise msgspec.DecodeError(f"JSON is not UTF-8: {error.reason} at byte {error.start}") from None


class ForeignDecoder(JsonDecoder[T]):
    """Decoder for other systems' documents: a string that cannot be stored is replaced, without failing the document.

    Lone surrogates and bytes that are not UTF-8 become U+FFFD, so a key that contains one is no longer the sender's. A
    byte order mark is dropped. A leap second (RFC 3339, `23:59:60Z` at a month's end) counts as the next second,
    because no `datetime` can represent it.

    A field that an object has twice is refused (`RepeatedKey`). `nested` is false for shapes whose parts are decoded,
    and so checked, separately.
    """

    @overload
    def __init__(self: "ForeignDecoder[Any]", shape: None = None, *, nested: bool = True) -> None: ...

    @overload
    def __init__(self: "ForeignDecoder[T]", shape: type[T], *, nested: bool = True) -> None: ...

    @overload
    def __init__(self: "ForeignDecoder[Any]", shape: Any, *, nested: bool = True) -> None: ...

    def __init__(self, shape: Any = None, *, nested: bool = True) -> None:
        super().__init__(shape)
        self._nested = nested

    def decode(self, document: bytes | str | msgspec.Raw) -> T:
        try:
            return self._decode_once(document)
        except msgspec.ValidationError:
            raw = _bytes(document)
            without = _LEAP_SECOND.sub(_next_second, raw)
            if without == raw:
                raise
            return self._decode_once(without)
        except RepeatedKey:
            raise
        except msgspec.DecodeError:
            raw = _bytes(document)
            mended = _replace_unstorable(raw)
            if mended == raw:
                raise
            return self._decode_once(mended)

    def _decode_once(self, document: bytes | str | msgspec.Raw) -> T:
        found = super().decode(document)
        if (key := find_repeated_key(_bytes(document), nested=self._nested)) is not None:
            raise RepeatedKey(key)
        return found


_ANY: Final = JsonDecoder()


@overload
def decode_json(document: bytes | str | msgspec.Raw) -> Any: ...


@overload
def decode_json(document: bytes | str | msgspec.Raw, type: type[T]) -> T: ...


@overload
def decode_json(document: bytes | str | msgspec.Raw, type: Any) -> Any: ...


def decode_json(document: bytes | str | msgspec.Raw, type: Any = None) -> Any:  # noqa: A002 - as msgspec's
    """Decode one document, as `type` if given.

    Raises:
        msgspec.DecodeError: it is malformed, too deep, or (msgspec.ValidationError) of another shape.
    """
    return _ANY.decode(document) if type is None else _decoder_of(type).decode(document)


def decode_foreign(document: bytes | str | msgspec.Raw, type: Any) -> Any:  # noqa: A002 - as msgspec's
    """As `decode_json`, for another system's document (`ForeignDecoder`)."""
    return _foreign_decoder_of(type).decode(document)


@lru_cache(256)
def _foreign_decoder_of(shape: Any) -> ForeignDecoder[Any]:
    return ForeignDecoder(shape)


@lru_cache(256)
def _decoder_of(shape: Any) -> JsonDecoder[Any]:
    return JsonDecoder(shape)


def check_depth(document: bytes) -> None:
    """Check the depth in time linear in the document's size, without recursion.

    Raises:
        TooDeep.
    """
    if document.count(b"[") + document.count(b"{") <= MAX_DEPTH:
        return
    brackets = _STRING.sub(b"", document).translate(_TO_SQUARE, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):  # each round removes the innermost level
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise TooDeep


def find_repeated_key(document: bytes, *, nested: bool = True) -> str | None:
    """A key that occurs twice in one object of a well-formed document; None without one. Parsers differ in which value
    they use. Without `nested`, only the outermost object is checked.
    """
    scan = _EVERY_OBJECT if nested else _OUTERMOST
    try:
        # Bytes that are no UTF-8 are refused where their text is read.
        pairs = scan(document.decode("utf-8", "surrogateescape"))
    except _Repeated as found:
        return str(found)
    return _repeated(pairs) if isinstance(pairs, _Pairs) else None


def _repeated(pairs: Sequence[tuple[str, Any]]) -> str | None:
    if len(dict(pairs)) == len(pairs):
        return None
    counted = Counter(name for name, _ in pairs)
    return next(name for name, times in counted.items() if times > 1)


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise _Repeated(_repeated(pairs))


_EVERY_OBJECT: Final = json.JSONDecoder(
    object_pairs_hook=_refuse_repeated, parse_int=str, parse_float=str, strict=False
).decode
_OUTERMOST: Final = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=str, parse_float=str, strict=False).decode


def holds_nul(document: bytes) -> bool:
    """Whether a string in the document contains U+0000, which PostgreSQL cannot store in text."""
    return b"\\u0000" in document and _NUL.search(document) is not None


def _replace_unstorable(document: bytes) -> bytes:
    valid = document.removeprefix(BOM_UTF8).decode("utf-8", "replace").encode()
    return _SURROGATE.sub(lambda found: found[1] or rb"\ufffd", valid)


def _next_second(found: re.Match[bytes]) -> bytes:
    """The second after a leap second; other times unchanged."""
    minute, fraction, offset = (part.decode() for part in found.groups())
    try:
        following = datetime.fromisoformat(f"{minute}:59{offset}".upper()) + timedelta(seconds=1)
        utc = following.astimezone(UTC)
    except (ValueError, OverflowError):
        return found[0]
    if (utc.day, utc.hour, utc.minute) != (1, 0, 0):
        return found[0]
    return f'"{following:%Y-%m-%dT%H:%M:%S}{fraction}{offset}"'.encode()


def _bytes(document: bytes | str | msgspec.Raw) -> bytes:
    if isinstance(document, str):
        return document.encode("utf-8", "surrogatepass")
    return document if isinstance(document, bytes) else bytes(document)
