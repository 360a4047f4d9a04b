"""Rows of this slice's lists, for the tests of every list."""

from datetime import UTC, datetime

from foundation.audit.chain import append_audit
from tests.support.list_rows import ListSample, Matches, Rows


async def add_entry(rows: Rows, number: int) -> Matches:
    """Add an entry; each is of a different day."""
    name, days = rows.name(number), [datetime(2026, 3, day, tzinfo=UTC) for day in range(1, 29)]
    dates = [f"{day:%Y-%m-%d}" for day in days]
    action = "change.tested" if number % 2 else "exception.tested"
    async with rows.db.transaction(rows.env.scope) as session:
        append_audit(session, action=action, subject=name, data={"n": number}, at=days[number])
    return {
        "about": [name], "actor": [rows.env.scope.actor.name], "action": [action, action.partition(".")[0]],
        "kind": ["decisions" if number % 2 else "exceptions"], "subject": [name],
        "since": dates[: number + 1], "until": dates[number:],
    }  # fmt: skip


SAMPLES: dict[str, ListSample] = {"audit": add_entry}
