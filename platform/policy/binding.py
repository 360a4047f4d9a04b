"""Content binding: one hash over the canonical form of the content that an approval covers."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from foundation.marks import N_
from policy.errors import ContentNotBindable


def bind_content(payload: Any, *, policy_version: int, snapshot: Any, target: Any) -> bytes:
    """SHA-256 of the action (`payload`), the policy version, the data of the decision (`snapshot`) and the `target`.

    Mappings with text keys, sequences, text, integers, booleans, None, UUIDs, aware datetimes and msgspec structs have
    a canonical form: JSON with sorted keys, times in UTC.

    Raises:
        ContentNotBindable: a float, or another type without a canonical form.
    """
    content = {"form": 1, "payload": payload, "policy_version": policy_version, "snapshot": snapshot, "target": target}
    exact = json.dumps(_exact(content), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(exact.encode("ascii")).digest()


def _exact(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case UUID():
            return str(value)
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case msgspec.Struct():
            return {name: _exact(getattr(value, name)) for name in value.__struct_fields__}
        case Mapping():
            return {_key(key): _exact(item) for key, item in value.items()}
        case Sequence() if not isinstance(value, bytes | bytearray | memoryview):
            return [_exact(item) for item in value]
    raise ContentNotBindable(
        N_("A {type} cannot be represented exactly. Use whole numbers of the smallest unit, or text."),
        params={"type": type(value).__name__},
    )


def _key(key: Any) -> str:
    if type(key) is not str:
        raise ContentNotBindable(N_("The key {key} is not text."), params={"key": repr(key)})
    return key
