"""Bounded reading of responses."""

import zlib
from collections.abc import AsyncIterable, Mapping
from typing import cast

import httpcore2
import httpx2
import msgspec

from foundation.outbound.headers import parse_whole_number

ACCEPTED_ENCODINGS = b"gzip, deflate"
_WINDOW = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class TooLarge(Exception):
    """The response is longer than the limit, before or after decompression."""


class UnreadableResponse(Exception):
    """The response's content encoding is broken or unknown."""


class OutboundResponse(msgspec.Struct, frozen=True):
    """A complete response. `headers` is case-insensitive; a repeated header's values are joined by a comma."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


async def read_response(response: httpcore2.Response, limit: int) -> OutboundResponse:
    """Read and decode the response. Raises `TooLarge` before more than `limit` bytes are buffered, `UnreadableResponse`
    for a body that cannot be decompressed.
    """
    headers = httpx2.Headers(response.headers)
    declared = parse_whole_number(headers.get("content-length", "").strip())
    if declared is not None and declared > limit:
        raise TooLarge
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"identity", ""}:
        unpack = None
    elif encoding in _WINDOW:
        unpack = zlib.decompressobj(_WINDOW[encoding])
    else:
        raise UnreadableResponse
    parts: list[bytes] = []
    size = 0
    async for packed in cast("AsyncIterable[bytes]", response.stream):
        part = packed if unpack is None else _unpacked(unpack, packed, limit - size)
        size += len(part)
        if size > limit:
            raise TooLarge
        parts.append(part)
    if unpack is not None and parts and not unpack.eof:
        raise UnreadableResponse
    return OutboundResponse(response.status, headers, b"".join(parts))


def _unpacked(unpack: "zlib._Decompress", packed: bytes, room: int) -> bytes:
    try:
        return unpack.decompress(packed, room + 1)
    except zlib.error:
        raise UnreadableResponse from None
