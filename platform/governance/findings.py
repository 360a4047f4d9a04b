"""Exceptions that planning finds in what a source says."""

from governance.rows import Contract, NewException, Observed
from governance.wording import name_subject, write_value


def stale_value(item: Observed, contract: Contract) -> NewException:
    seen = item.observation
    return NewException(
        code="source.stale",
        subject=f"{item.connection_id}:{seen.record_key}:{seen.element}",
        title="A newer value came with an older version",
        detail=f"{name_subject(seen.element, seen.record_key)} came as {write_value(seen.value)} with version "
        f"{seen.source_version}, which is not above the known one. It was not taken over. Replay it to take it over "
        "and to count from its version.",
        correction_slo_ms=contract.correction_slo_ms,
        record_key=seen.record_key,
        element=seen.element,
        connection_id=item.connection_id,
        source_event_id=item.source_event_id,
        correlation=item.correlation,
    )
