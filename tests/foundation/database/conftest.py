"""These tests are about connections, so each pool opens new ones."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _new_connections() -> Iterator[None]:
    from tests.support.kept_connections import new_connections

    with new_connections():
        yield
