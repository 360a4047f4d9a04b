"""The job of a stored source event: its translation and delivery."""

from typing import Final
from uuid import UUID

from connectors.webhooks.writer import INGEST_DIRECTION, StoredEvent
from foundation.jobs.lanes import connection_lane
from foundation.jobs.types import JobType
from foundation.marks import N_


class TranslateEvents(StoredEvent, frozen=True, omit_defaults=True):
    """`any_version`: the record and element, joined by a bar, whose version a replay does not compare. `unclaimed`: the
    type of the unclaimed messages to deliver, without any others of the event.
    """

    any_version: str | None = None
    unclaimed: str | None = None


TRANSLATE: Final = JobType("governance.ingest_events", N_("Read messages of a source"), TranslateEvents)
"""The name is from when governance handled this job: the database lets intake store jobs of this name only, and
processes of two releases share the lanes during an update.
"""


def ingest_lane(connection_id: UUID) -> str:
    return connection_lane(INGEST_DIRECTION, connection_id)
