"""Rows of this slice's lists, for the tests of every list."""

from tests.governance.changes.list_samples import add_change
from tests.support.list_rows import ListSample

SAMPLES: dict[str, ListSample] = {"channel-changes": add_change, "channel-values": add_change}
