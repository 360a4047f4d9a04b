"""Rows of this slice's lists, for the tests of every list."""

from datetime import timedelta

import msgspec

from canonical.elements import PRICE
from foundation.clock import utc_now
from foundation.ids import new_id
from governance.proposals.models import ScheduledProposal
from tests.support.list_rows import ListSample, Matches, Rows
from tests.support.values import minor


async def add_scheduled(rows: Rows, number: int) -> Matches:
    name = rows.name(number)
    await rows.sample.add(
        ScheduledProposal(
            **rows.own, id=new_id(), record_key=name, element=PRICE, dimension="", record_type="product",
            value=msgspec.to_builtins(minor(1_000 + number)), note=name, state="scheduled",
            effective_at=utc_now() + timedelta(days=1, seconds=number), author=str(new_id()), author_name="Ada",
            on_behalf_of="", scheduled_at=utc_now(),
        )
    )  # fmt: skip
    return {"key": [name], "status": ["scheduled"]}


SAMPLES: dict[str, ListSample] = {"scheduled-proposals": add_scheduled}
