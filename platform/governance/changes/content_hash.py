"""Content hash that binds an approval to a change; computed at the request and again at execution."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from canonical.values import Value
from governance.changes.rows import ChangeRow
from governance.records.rows import Channel, ValueRow
from policy.binding import bind_content


def content_hash(  # noqa: PLR0913 - keyword-only after the data
    change: ChangeRow,
    value: ValueRow,
    cost: Value | None,
    channels: Sequence[Channel],
    *,
    policy_version: int,
    source: UUID | None,
) -> bytes:
    """Hash of payload, policy version, data of the decision and targets: any difference needs a new approval.

    `source`, the connection that the contract names, is included if the value came from elsewhere: another owner needs
    a new approval, too.
    """
    owner = {} if source == value.source_connection_id else {"owner": source}
    targets = change.targets if change.targets is not None else [channel.connection_id for channel in channels]
    return bind_content(
        {
            "key": list(change.key),
            "value": msgspec.to_builtins(change.new_value),
            "origin": change.origin,
        },
        policy_version=policy_version,
        snapshot={
            "approved": [msgspec.to_builtins(value.value), value.version],
            "source": msgspec.to_builtins(value.source_value),
            "cost": msgspec.to_builtins(cost),
            **owner,
        },
        target=sorted(str(target) for target in targets),
    )
