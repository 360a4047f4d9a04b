"""Reference values: policy compares other values of a record with them, such as a price with the cost."""

from collections.abc import Mapping

from canonical.dimensions import dimension, part_of
from canonical.elements import element_type
from canonical.keys import ElementKey, new_key
from canonical.values import Value
from governance.records.rows import ValueRow


def reference_keys(key: ElementKey) -> tuple[ElementKey, ...]:
    """Keys of the reference value to compare a value with, best first: in its own currency, then undivided."""
    known = element_type(key.element)
    if known is None or not known.policy_reference:
        return ()
    undivided = new_key(ElementKey, (key.record_key, known.policy_reference, "", key.record_type))
    currency = part_of(key.dimension, "currency") if key.dimension else ""
    return (undivided._replace(dimension=dimension(currency=currency)), undivided) if currency else (undivided,)


def known_cost(values: Mapping[ElementKey, ValueRow], key: ElementKey) -> Value | None:
    """The approved reference value that the value of `key` is compared with."""
    for each in reference_keys(key):
        row = values.get(each)
        if row is not None and row.value is not None:
            return row.value
    return None
