"""Content of other systems' documents, for hashes that detect changes."""

from typing import Any

import msgspec

from foundation.decoding import decode_json


def read_content(raw: msgspec.Raw) -> Any:
    """The document's content, independent of the order of its fields; its original text if one of its numbers is too
    large to be read: translation quarantines that document without delaying the others.
    """
    try:
        return decode_json(raw)
    except msgspec.DecodeError:
        return bytes(raw).decode("utf-8", "replace")
