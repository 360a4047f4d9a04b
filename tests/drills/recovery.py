"""Recovery times of faults: from a fault's end until everything in progress was verified on every channel."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

from tests.drills.history import Injected, Message
from tests.drills.web_app import Client, DrillWebApp

AFTERMATH = timedelta(seconds=0.5)


async def read_proofs(web_app: DrillWebApp, client: Client) -> dict[str, datetime]:
    """Time of the last verification of each SKU on the last of its channels."""
    rows = await web_app.rows(
        "SELECT record_key, max(verified_at) AS at FROM propagation WHERE tenant_id = %(t)s GROUP BY record_key",
        t=client.scope.tenant_id,
    )
    return {row["record_key"]: row["at"] for row in rows if row["at"] is not None}


def measure_recoveries(
    injected: Sequence[Injected], messages: Sequence[Message], proofs: Mapping[str, datetime]
) -> None:
    """Recovery times of one client's faults. Includes changes sent before or just after the fault's end and not
    verified by then.

    A kill or stop ends at once, because other processes continue. Later faults may lengthen it.
    """
    spans = [
        (message.first_sent, proofs[change.sku])
        for message in messages
        for change in message.changes
        if change.alone and change.sku in proofs
    ]
    for fault in injected:
        touched = [proven for sent, proven in spans if sent <= fault.ended_at + AFTERMATH and proven > fault.ended_at]
        fault.touched += len(touched)
        felt = [(proven - fault.ended_at).total_seconds() for proven in touched]
        fault.recovery_seconds = max([fault.recovery_seconds, *felt])


def undisturbed(injected: Sequence[Injected]) -> list[Injected]:
    """Faults of a whole system that were repaired before the next one."""
    ordered = sorted(injected, key=lambda fault: fault.at)
    chosen, whole_at = [], datetime.min.replace(tzinfo=UTC)
    for fault, following in zip(ordered, [*ordered[1:], None], strict=True):
        mended_at = fault.ended_at + timedelta(seconds=fault.recovery_seconds)
        if fault.at >= whole_at and (following is None or following.at >= mended_at):
            chosen.append(fault)
        whole_at = max(whole_at, mended_at)
    return chosen


def recovery_table(injected: Sequence[Injected]) -> list[str]:
    by_name: dict[str, list[Injected]] = defaultdict(list)
    for fault in injected:
        by_name[fault.name].append(fault)
    by_name["all"] = list(injected)
    lines = [f"{'recovery, seconds':<40}{'times':>6}{'median':>8}{'slowest':>9}{'undisturbed':>13}{'slowest':>9}"]
    for name, faults in by_name.items():
        seconds = [fault.recovery_seconds for fault in faults]
        calm = [fault.recovery_seconds for fault in undisturbed(injected) if fault in faults]
        slowest = f"{max(calm):.2f}" if calm else "-"
        lines.append(
            f"{name:<40}{len(faults):>6}{median(seconds):>8.2f}{max(seconds):>9.2f}{len(calm):>13}{slowest:>9}"
        )
    return [lines[0], *sorted(lines[1:-1]), lines[-1]]


class Timeline:
    """Per second: faults, and the numbers of changes first sent, acknowledged and verified."""

    def __init__(self, injected: Sequence[Injected]) -> None:
        self._struck: dict[int, list[str]] = defaultdict(list)
        for fault in injected:
            self._struck[int(fault.at.timestamp())].append(fault.name)
        self._counts: dict[str, Counter[int]] = {"sent": Counter(), "acknowledged": Counter(), "proven": Counter()}

    def add(self, messages: Sequence[Message], proofs: Mapping[str, datetime]) -> None:
        for message in messages:
            self._counts["sent"][int(message.first_sent.timestamp())] += 1
            if message.acknowledged is not None:
                self._counts["acknowledged"][int(message.acknowledged.timestamp())] += 1
        for proven in proofs.values():
            self._counts["proven"][int(proven.timestamp())] += 1

    def text(self) -> str:
        seconds = sorted({second for counter in self._counts.values() for second in counter} | self._struck.keys())
        lines = [f"{'at':<10}{'sent':>6}{'ack':>6}{'proven':>8}  struck"]
        for second in range(seconds[0], seconds[-1] + 1) if seconds else ():
            at = datetime.fromtimestamp(second, UTC).strftime("%H:%M:%S")
            sent, acknowledged, proven = (counter[second] for counter in self._counts.values())
            lines.append(f"{at:<10}{sent:>6}{acknowledged:>6}{proven:>8}  {', '.join(self._struck[second])}")
        return "\n".join(lines) + "\n"
