from collections.abc import AsyncIterator, Iterator

import pytest

from tests.connectors.running import PlainCaller, RunningSandbox, running_sandbox
from tests.real.vendure import RunningVendure, running_vendure


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture(scope="package")
def real_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVendure]:
    """One real shop for all files of this folder, because its start takes long."""
    with running_vendure(tmp_path_factory.mktemp("vendure")) as running:
        yield running


@pytest.fixture
async def caller() -> AsyncIterator[PlainCaller]:
    plain = PlainCaller()
    yield plain
    await plain.close()
