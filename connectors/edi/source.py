"""The bytes of a file, read in chunks, with a window for looking ahead."""

from collections.abc import Iterable
from typing import Final

BLANK: Final = b" \t\r\n\x00\x1a"
_BOM: Final = b"\xef\xbb\xbf"
_END_OF_FILE: Final = b"\x1a"
"""The mark that DOS and some mainframes append to each file, which is no deviation by itself."""
_LOOK_AHEAD: Final = 4_096
_FEWEST: Final = 2
_WIDTHS: Final = range(60, 106)
"""Record lengths taken for a transfer's: shorter than the header of X12, so never the length of its lines."""


class ByteSource:
    """The unread bytes of a file. `deviations` names what was removed from them."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._unwrap = False
        self.window = b""
        self.ended = False
        self.deviations: list[str] = []

    def pull(self) -> bool:
        """Append the next chunk to the window. False at the end of the file."""
        if self.ended:
            return False
        chunk = next(self._chunks, None)
        if chunk is None:
            self.ended = True
            return False
        self.window += without_breaks(chunk) if self._unwrap else chunk
        return True

    def need(self, size: int) -> None:
        while len(self.window) < size and self.pull():
            pass

    def open(self) -> None:
        """Remove a byte order mark, leading blank lines, and the line breaks of records of fixed length."""
        self.need(_LOOK_AHEAD)
        if self.window.startswith(_BOM):
            self.window = self.window[len(_BOM) :]
            self.note("BOM")
        if self.window[:1] in (b" ", b"\t", b"\r", b"\n"):
            self.skip_blank()
            self.note("LEADING_BLANK")
        if _is_wrapped(self.window, ended=self.ended):
            self._unwrap = True
            self.window = without_breaks(self.window)
            self.note("WRAPPED_80")

    def skip_blank(self, terminator: bytes = b"") -> bool:
        """Remove blanks, end-of-file marks and surplus terminators. Whether bytes remain."""
        junk = b""
        while True:
            rest = self.window.lstrip(BLANK + terminator)
            removed = self.window[: len(self.window) - len(rest)]
            junk += bytes(each for each in removed if each not in b" \t\r\n" + terminator)
            self.window = rest
            if rest or not self.pull():
                break
        if not rest and junk.removesuffix(_END_OF_FILE):
            self.note("TRAILING_JUNK")
        return bool(rest)

    def note(self, deviation: str) -> None:
        if deviation not in self.deviations:
            self.deviations.append(deviation)


def without_breaks(data: bytes) -> bytes:
    return data.replace(b"\r", b"").replace(b"\n", b"")


def _is_wrapped(window: bytes, *, ended: bool) -> bool:
    """Whether the lines have one length of about 80: a transfer in records, with line breaks inside the data. Some
    records may be shorter, because editors and mail remove blanks at their ends.
    """
    lines = [line.rstrip(b"\r") for line in window.split(b"\n")]
    last = lines.pop()
    if len(lines) < _FEWEST:
        return False
    width = len(lines[0])
    longest = max(map(len, [*lines, b"" if ended else last.rstrip(b"\r")]))
    full = sum(len(line) == width for line in lines)
    return width in _WIDTHS and longest == width and 4 * full >= 3 * len(lines)
