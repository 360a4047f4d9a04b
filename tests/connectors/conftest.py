from collections.abc import AsyncIterator, Iterator

import pytest

from tests.connectors.running import PlainCaller, RunningSandbox, running_sandbox


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
async def caller() -> AsyncIterator[PlainCaller]:
    plain = PlainCaller()
    yield plain
    await plain.close()
