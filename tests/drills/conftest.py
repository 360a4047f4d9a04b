from collections.abc import Iterator

import pytest

from tests.connectors.running import RunningSandbox
from tests.drills.site import Site, running_site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, sandbox: RunningSandbox) -> Iterator[Site]:
    """One for all drills of a process; each leaves it whole, and works with clients of its own."""
    with running_site(tmp_path_factory.mktemp("site"), sandbox) as running:
        yield running
