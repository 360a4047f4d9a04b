"""The faulty link: each fault behaves as described and ends on request."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.faulty_link import WELL, FaultyLink, Trouble, faulty_link

PATIENCE = 60.0


class Echo:
    """Echoes every byte, and records the received ones."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                self.heard += data
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self.ended.set()
            writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Echo, int]]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    yield echo, server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
def link(echo: tuple[Echo, int]) -> Iterator[FaultyLink]:
    with faulty_link(("127.0.0.1", echo[1])) as opened:
        yield opened


class Caller:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, data: bytes) -> bytes:
        self.writer.write(data)
        return await asyncio.wait_for(self.reader.readexactly(len(data)), PATIENCE)


@pytest.fixture
async def caller(link: FaultyLink) -> AsyncIterator[Caller]:
    made = Caller(*await asyncio.open_connection("127.0.0.1", link.port))
    assert await made.ask(b"hello") == b"hello"
    yield made
    made.writer.transport.abort()


async def test_a_working_link_passes_everything_on(caller: Caller) -> None:
    data = bytes(range(256)) * 4000
    assert await caller.ask(data) == data


async def test_reset_strikes_open_and_new_connections(link: FaultyLink, caller: Caller) -> None:
    link.set_fault(Trouble(reset=True))
    with pytest.raises(ConnectionResetError):
        await caller.ask(b"?")
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await Caller(*await asyncio.open_connection("127.0.0.1", link.port)).ask(b"?")
    link.set_fault(WELL)
    again = Caller(*await asyncio.open_connection("127.0.0.1", link.port))
    assert await again.ask(b"!") == b"!"
    again.writer.transport.abort()


async def test_bytes_held_by_a_black_hole_are_delivered_afterwards(
    link: FaultyLink, caller: Caller, echo: tuple[Echo, int]
) -> None:
    link.set_fault(Trouble(blackhole=True))
    asking = asyncio.create_task(caller.ask(b"held"))
    await asyncio.sleep(0.3)
    assert not asking.done()
    assert bytes(echo[0].heard) == b"hello"
    link.set_fault(WELL)
    assert await asking == b"held"


async def test_a_half_closed_link_delivers_without_an_answer(
    link: FaultyLink, caller: Caller, echo: tuple[Echo, int]
) -> None:
    link.set_fault(Trouble(half_close=True))
    caller.writer.write(b"still heard")
    assert await asyncio.wait_for(caller.reader.read(), PATIENCE) == b""
    caller.writer.write_eof()
    await asyncio.wait_for(echo[0].ended.wait(), PATIENCE)
    assert echo[0].heard.endswith(b"still heard")


async def test_half_open_connections_are_dead_and_new_ones_work(link: FaultyLink, caller: Caller) -> None:
    link.set_fault(Trouble(half_open=True))
    link.set_fault(WELL)
    asking = asyncio.create_task(caller.ask(b"anyone?"))
    again = Caller(*await asyncio.open_connection("127.0.0.1", link.port))
    assert await again.ask(b"!") == b"!"
    await asyncio.sleep(0.2)
    assert not asking.done()
    asking.cancel()
    again.writer.transport.abort()


async def test_cut_after_so_many_bytes(link: FaultyLink, caller: Caller) -> None:
    link.set_fault(Trouble(cut_after=30))
    assert await caller.ask(b"ten bytes!") == b"ten bytes!"
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await caller.ask(b"ten bytes!")


@pytest.mark.parametrize("trouble", [Trouble(latency_seconds=0.2), Trouble(bytes_per_second=400)])
async def test_a_slow_link_delays_everything_and_changes_nothing(
    link: FaultyLink, caller: Caller, trouble: Trouble
) -> None:
    link.set_fault(trouble)
    started = asyncio.get_running_loop().time()
    data = b"x" * 100
    assert await caller.ask(data) == data
    assert asyncio.get_running_loop().time() - started > 0.2
