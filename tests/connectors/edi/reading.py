"""Reading of bytes in chunks."""

from collections.abc import Iterator

from connectors.edi.facts import DocumentFacts, read_facts
from connectors.edi.reader import Reader


def chunks(data: bytes, size: int = 1 << 16) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def read(data: bytes, size: int = 1 << 16) -> tuple[Reader, list[DocumentFacts]]:
    """The reader at the end of the file, and the documents of a file that can be read."""
    reader = Reader(chunks(data, size))
    documents = list(read_facts(reader))
    return reader, [] if reader.unreadable else documents
