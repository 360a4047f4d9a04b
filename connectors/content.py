"""Content of other systems' documents, for hashes that tell whether it has changed."""

from typing import Any

import msgspec

from foundation.decoding import decode_json


def read_content(raw: msgspec.Raw) -> Any:
    """What the document says, in whichever order its fields stand; its own text where a number in it is too large to be
    read: translation quarantines that one, and it must not hold the others back.
    """
    try:
        return decode_json(raw)
    except msgspec.DecodeError:
        return bytes(raw).decode("utf-8", "replace")
