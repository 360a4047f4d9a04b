"""Routing of values: which connections a value is sent to.

A connection gets the elements that its connector can write, but no value of which it is itself the source of truth. A
connection whose contract selects some records of an element may be a channel for the others.
"""

from collections.abc import Sequence
from uuid import UUID

from canonical.keys import ElementKey
from governance.elements.selection import is_contract_of
from governance.records.rows import Channel

IS_CHANNEL = "EXISTS (SELECT 1 FROM unnest({0}.writes) w (element) WHERE NOT starts_with(w.element, 'order.'))"
"""As SQL, of connection {0}: it shows values to buyers. A system that only takes orders does not."""
TAKES_ELEMENT = """({0}.writes && ARRAY['*', {1}.element]::varchar[]
    AND {1}.source_connection_id IS DISTINCT FROM {0}.id)"""
"""As SQL, of connection {0} and contract {1}: values that the contract selects are sent to the connection, if its
connector can write their dimension.
"""


def takes_value(connection: str, row: str) -> str:
    """As SQL: the value of `row`, by its record_key, element and dimension, is sent to `connection`, if its connector
    can write the dimension.
    """
    return f"""({connection}.writes && ARRAY['*', {row}.element]::varchar[]
        AND NOT EXISTS (SELECT 1 FROM element_contract own WHERE own.tenant_id = {connection}.tenant_id
                           AND {is_contract_of("own", row)} AND own.source_connection_id = {connection}.id))"""


def targets_of(key: ElementKey, channels: Sequence[Channel], source: UUID | None) -> list[Channel]:
    """Those of `channels` that get the value of `key`; `source` is its source of truth."""
    return [channel for channel in channels if channel.connection_id != source and channel.accepts(key)]
