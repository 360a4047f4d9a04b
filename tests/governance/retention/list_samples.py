"""Rows of this slice's lists, for the tests of every list."""

from foundation.clock import utc_now
from foundation.ids import new_id
from governance.retention.models import RetentionPurge
from tests.support.list_rows import ListSample, Rows


async def add_purge(rows: Rows, number: int) -> None:
    await rows.sample.add(
        RetentionPurge(
            **rows.own, id=new_id(), data_class="changes", table_name=rows.name(number), before=utc_now(),
            removed=number, kept=0, partition="", purged_at=utc_now(),
        )
    )  # fmt: skip


SAMPLES: dict[str, ListSample] = {"purges": add_purge}
