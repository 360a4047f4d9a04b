"""The catalogue is read by the owner, who cannot read tenants' rows either."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import Urls


@pytest.fixture(scope="module")
def owner(urls: Urls) -> Iterator[psycopg.Connection[Any]]:
    """The owner without row security, which is forced on the owner too."""
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        yield connection


@pytest.fixture(autouse=True)
def _new_connections() -> Iterator[None]:
    """New connections only: isolation must not depend on the history of a connection."""
    from tests.support.kept_connections import new_connections

    with new_connections():
        yield
