"""Observed values of governed elements, as connectors report them and governance compares them."""

from datetime import datetime

import msgspec

from canonical.keys import PRODUCT, ElementKey
from canonical.values import Value


class Observation(msgspec.Struct, frozen=True):
    """One element of one record, as reported by a source system.

    `source_version` orders observations of the same element from the same source: a higher one is newer. Sources
    without a version use their commit time in microseconds. `committed_at` is the commit time in the source; the
    delivery clock starts later, with the release. `source_id` is the source's own id of the record, which stays when
    the record gets another key; empty for sources that identify records by the key alone. `title` is the record's name
    there, if the message contains it. `version_is_ours`: the version does not come from the source but is our own
    clock's time, in microseconds, when the record was read.
    """

    record_key: str
    element: str
    value: Value
    source_version: int
    committed_at: datetime
    source_id: str = ""
    title: str = ""
    version_is_ours: bool = False
    dimension: str = ""
    record_type: str = PRODUCT

    @property
    def key(self) -> ElementKey:
        return ElementKey(self.record_key, self.element, self.dimension, self.record_type)
