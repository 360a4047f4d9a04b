"""Content hash that binds an approval to a change; computed at the request and again at execution."""

from collections.abc import Sequence

from canonical.values import Value
from governance.changes.rows import ChangeRow
from governance.records.rows import Channel, ValueRow
from policy.binding import bind_content


def content_hash(
    change: ChangeRow, value: ValueRow, cost: Value | None, channels: Sequence[Channel], *, policy_version: int
) -> bytes:
    """Hash of payload, policy version, judged data and targets: any difference needs a new approval."""
    targets = change.targets if change.targets is not None else [channel.connection_id for channel in channels]
    return bind_content(
        {
            "record_key": change.record_key,
            "element": change.element,
            "amount": change.new_amount,
            "currency": change.new_currency,
            "origin": change.origin,
        },
        policy_version=policy_version,
        snapshot={
            "approved": [value.amount, value.currency, value.version],
            "source": [value.source_amount, value.source_currency],
            "cost": None if cost is None else [cost.amount, cost.currency],
        },
        target=sorted(str(target) for target in targets),
    )
