"""Forms with files (`multipart/form-data`), of routes whose options have `files`."""

from typing import Final

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from foundation.marks import N_
from foundation.web.errors import MalformedBody

FILE_BYTES: Final = 2 * 1024 * 1024
"""Body limit of routes that receive files."""
_PARTS: Final = 16
_LONGEST_BOUNDARY: Final = 70


def read_parts(body: bytes, boundary: str) -> list[tuple[str, str | bytes]]:
    """(name, value) of each part: a file's content as bytes, another part as text. A file's name and type are not used,
    because senders choose them.

    Raises:
        MalformedBody.
    """
    found: list[tuple[str, str | bytes]] = []
    malformed = MalformedBody(N_("The form cannot be read."))
    if not boundary.isascii() or not 1 <= len(boundary) <= _LONGEST_BOUNDARY:
        raise malformed
    part: MultipartSegment | None = None
    content = bytearray()
    try:
        with PushMultipartParser(boundary.encode(), max_segment_count=_PARTS) as parser:
            for each in parser.parse(body):
                if isinstance(each, MultipartSegment):
                    part, content = each, bytearray()
                elif each:
                    content += each
                elif part is not None:
                    is_file = part.filename is not None
                    found.append((part.name, bytes(content) if is_file else content.decode()))
    except (MultipartError, ValueError):
        raise malformed from None
    return found
