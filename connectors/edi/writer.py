"""Bytes of segments, with release characters where the standard has them."""

from collections.abc import Iterable, Sequence

from connectors.edi.segments import Separators

Element = str | Sequence[str]


class NotWritable(ValueError):
    """A text that the standard cannot represent: X12 has no release character."""


def write_segments(segments: Iterable[Sequence[Element]], separators: Separators, charset: str) -> bytes:
    """The segments, each with its terminator. A segment is its tag and elements; an element is a text or components."""
    return b"".join(_segment(elements, separators).encode(charset) + separators.segment for elements in segments)


def _segment(elements: Sequence[Element], marks: Separators) -> str:
    written = [_element(element, marks) for element in elements]
    while written and not written[-1]:
        written.pop()
    return marks.element.join(written)


def _element(element: Element, marks: Separators) -> str:
    components = [element] if isinstance(element, str) else list(element)
    while components and not components[-1]:
        components.pop()
    return marks.component.join(_escape(text, marks) for text in components)


def _escape(text: str, marks: Separators) -> str:
    if not text.isprintable():
        raise NotWritable(text)
    special = {marks.element, marks.component, marks.segment.decode("latin-1"), marks.repetition, marks.release} - {""}
    if not special & set(text):
        return text
    if not marks.release:
        raise NotWritable(text)
    return "".join(marks.release + each if each in special else each for each in text)
