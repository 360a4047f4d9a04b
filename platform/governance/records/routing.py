"""Routing of values: which connections a value is sent to.

A connection gets the elements that its connector can write, but no value of which it is itself the source of truth. A
connection whose contract selects some records of an element may be a channel for the others. Reports about a record of
another system, such as the status of an order, are returned to that system alone. No value passes from a live source to
a sandbox connection, nor from a sandbox source to a live one. A contract may name the only channels of its values.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from canonical.elements import RETURNED_ELEMENTS
from canonical.keys import PRODUCT, ElementKey
from connectors.manifest import ANY
from connectors.relations import CONNECTIONS
from governance.elements.declarations import record_type_of
from governance.elements.rows import Contract
from governance.elements.selection import is_contract_of
from governance.records.rows import Channel

IS_CHANNEL = "EXISTS (SELECT 1 FROM unnest({0}.writes) w (element) WHERE NOT starts_with(w.element, 'order.'))"
"""As SQL, of connection {0}: it shows values to buyers. A system that only takes orders does not."""
_RETURNED: Final = ", ".join(f"('{element}', '{origin}')" for element, origin in RETURNED_ELEMENTS.items())


def _same_environment(connection: str, contract: str) -> str:
    """As SQL: the source of `contract` is of the environment of `connection`, or people set the values."""
    return f"""NOT EXISTS (SELECT 1 FROM {CONNECTIONS} s WHERE s.tenant_id = {connection}.tenant_id
                   AND s.id = {contract}.source_connection_id AND s.environment <> {connection}.environment)"""


def _is_chosen(connection: str, contract: str) -> str:
    """As SQL: `contract` sends its values to `connection`, or to every channel."""
    return f"({contract}.channels IS NULL OR {connection}.id = ANY ({contract}.channels))"


def _writes(connection: str, element: str, record_type: str) -> str:
    """As SQL: the connector of `connection` can write `element` of records of `record_type`."""
    return f"""({connection}.writes
        && ARRAY[{element}, CASE {record_type} WHEN '{PRODUCT}' THEN '{ANY}'
                                 ELSE {record_type} || '.{ANY}' END]::varchar[])"""


def takes_element(connection: str, contract: str) -> str:
    """As SQL: values that `contract` selects are sent to `connection`, if its connector can write their dimension. Of a
    returned element, where it is the source of any record.
    """
    return f"""({connection}.state <> 'deleted'
        AND {_writes(connection, f"{contract}.element", record_type_of(contract))}
        AND {contract}.source_connection_id IS DISTINCT FROM {connection}.id
        AND {_same_environment(connection, contract)} AND {_is_chosen(connection, contract)}
        AND NOT EXISTS (SELECT FROM (VALUES {_RETURNED}) back (element, origin) JOIN element_contract o
                                ON o.tenant_id = {connection}.tenant_id AND o.element = back.origin
                         WHERE back.element = {contract}.element
                        HAVING {connection}.id <> ALL (array_agg(o.source_connection_id))))"""


def takes_value(connection: str, row: str) -> str:
    """As SQL: the value of `row`, by its key, is sent to `connection`, if its connector can write the dimension."""
    return f"""({connection}.state <> 'deleted' AND {_writes(connection, f"{row}.element", f"{row}.record_type")}
        AND NOT EXISTS (SELECT 1 FROM element_contract own WHERE own.tenant_id = {connection}.tenant_id
                           AND {is_contract_of("own", row)} AND (own.source_connection_id = {connection}.id
                               OR NOT {_same_environment(connection, "own")}
                               OR NOT {_is_chosen(connection, "own")}))
        AND NOT EXISTS (SELECT FROM (VALUES {_RETURNED}) back (element, origin) JOIN element_contract o
                                ON o.tenant_id = {connection}.tenant_id
                               AND {is_contract_of("o", row, element="back.origin")}
                         WHERE back.element = {row}.element AND o.source_connection_id <> {connection}.id))"""


def targets_of(
    key: ElementKey, channels: Sequence[Channel], contract: Contract | None, *, only: UUID | None = None
) -> list[Channel]:
    """Those of `channels` that get the value of `key` by its `contract`. `only`: the connection that the value is
    returned to (`elements.contracts.Contracts.returned_to`).
    """
    source, chosen = (None, None) if contract is None else (contract.source_connection_id, contract.channels)
    return [
        channel
        for channel in channels
        if channel.connection_id != source
        and (only is None or only == channel.connection_id)
        and (chosen is None or channel.connection_id in chosen)
        and not (channel.other_environment and source in channel.other_environment)
        and channel.accepts(key)
    ]
