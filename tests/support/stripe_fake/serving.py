"""The fake behind a real socket, for the product's own HTTP client and other programs."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from tests.support.stripe_fake.app import StripeFake


@asynccontextmanager
async def serving(fake: StripeFake) -> AsyncIterator[str]:
    """The address. The socket accepts connections before the server reads them, so nothing has to be awaited."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(fake, log_level="critical", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running
