"""Rows of a client for the tests of every list. `list_samples.py` in the test folder of a slice adds them."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from foundation.clock import utc_now
from foundation.database.engine import Database
from tests.governance.pages.samples import Sample
from tests.support.client_env import ClientEnv

Matches = Mapping[str, Collection[str]]
"""By filter, the values with which the list shows the added row. Any other value leaves it out, except an empty one."""

_DAY: Final = timedelta(days=1)


def time_matches(days: int) -> dict[str, Collection[str]]:
    """Values of `since` and `until` that match a row from that many whole days ago."""
    midnights = [f"{utc_now() - back * _DAY:%Y-%m-%dT00:00}" for back in range(10)]
    return {"since": midnights[days:], "until": midnights[:days]}


@dataclass
class Rows:
    """Rows of one client, named after `tag`: where allowed, a text that a spreadsheet would execute."""

    env: ClientEnv
    tag: str

    @property
    def db(self) -> Database:
        return self.env.services.db

    @property
    def sample(self) -> Sample:
        sample = Sample(self.db, self.env.scope, utc_now())
        sample.source, sample.channels = self.env.erp, self.env.channels
        sample.partners = dict.fromkeys(self.env.channels.values())
        return sample

    @property
    def own(self) -> dict[str, UUID]:
        return self.env.own

    def name(self, number: int) -> str:
        return f"={self.tag}{number:03}"


ListSample = Callable[[Rows, int], Awaitable[Matches | None]]
"""Function that adds the row with this number, which the list shows by default."""
