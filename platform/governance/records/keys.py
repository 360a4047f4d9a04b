"""SQL of keys of values: sets of keys as binds, and their comparison."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from canonical.keys import ElementKey
from foundation.database.bulk import row_set

KEY_COLUMNS: Final = "record_key, element, dimension, record_type"
"""In the order of the primary keys, and of `ElementKey`."""

KEY_TYPES: Final = {"record_key": "varchar", "element": "varchar", "dimension": "varchar", "record_type": "varchar"}


def key_set(**more: tuple[str, str]) -> str:
    """As SQL, the set `k` of the keys bound with `key_binds`. `more`: columns beside, as name=(bind, type of array)."""
    return row_set("k", "keys", KEY_TYPES, **more)


KEY_SET: Final = key_set()
KEYS_OF_CONNECTIONS: Final = key_set(connection_id=("connections", "uuid[]"))


def key_binds(keys: Iterable[ElementKey]) -> dict[str, str]:
    """Binds of `key_set`, in the order of `keys`."""
    return {"keys": msgspec.json.encode(list(keys)).decode()}


def same_key(one: str, other: str) -> str:
    """As SQL: rows `one` and `other` have the same key."""
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in KEY_TYPES)


def is_key(alias: str) -> str:
    """As SQL: row `alias` has the key bound with `bind_key`."""
    return " AND ".join(f"{alias}.{name} = :{name}" for name in KEY_TYPES)


def bind_key(key: ElementKey) -> dict[str, str]:
    return dict(zip(KEY_TYPES, key, strict=True))


def key_of(row: Any) -> ElementKey:
    """The key of a row with KEY_COLUMNS."""
    return ElementKey(row.record_key, row.element, row.dimension, row.record_type)


def key_columns(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in KEY_TYPES)


def sorted_keys(keys: Iterable[ElementKey]) -> Sequence[ElementKey]:
    """Without repetition, in the order in which every transaction locks."""
    return sorted(set(keys))
