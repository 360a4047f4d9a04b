"""Rows of this slice's lists, for the tests of every list."""

from tests.support.list_rows import ListSample
from tests.tenants.list_samples import add_client

SAMPLES: dict[str, ListSample] = {"fleet": add_client}
