"""Routing of values: which connections a value is sent to.

A connection gets the elements that its connector can write, but none of which it is itself the source of truth.
"""

from collections.abc import Sequence
from uuid import UUID

from canonical.keys import ElementKey
from governance.records.rows import Channel

IS_CHANNEL = "EXISTS (SELECT 1 FROM unnest({0}.writes) w (element) WHERE NOT starts_with(w.element, 'order.'))"
"""As SQL, of connection {0}: it shows values to buyers. A system that only takes orders does not."""
TAKES_ELEMENT = """({0}.writes && ARRAY['*', {1}]::varchar[]
    AND NOT EXISTS (SELECT 1 FROM element_contract own WHERE own.tenant_id = {0}.tenant_id AND own.element = {1}
                       AND own.source_connection_id = {0}.id))"""
"""As SQL, of connection {0} and the element {1}: values of the element are sent to the connection, if its connector can
write their dimension.
"""


def targets_of(key: ElementKey, channels: Sequence[Channel], source: UUID | None) -> list[Channel]:
    """Those of `channels` that get the value of `key`; `source` is the element's source of truth."""
    return [channel for channel in channels if channel.connection_id != source and channel.accepts(key)]
