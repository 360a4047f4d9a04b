from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings

from tests.connectors.running import PlainCaller, RunningSandbox, running_sandbox

# No test of ours fails because the machine was busy.
settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
async def caller() -> AsyncIterator[PlainCaller]:
    plain = PlainCaller()
    yield plain
    await plain.close()
