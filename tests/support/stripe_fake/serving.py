"""The fake behind a real socket, for the product's own HTTP client and other programs."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import uvicorn

from tests.support.stripe_fake.app import StripeFake

INVOICE_PAGE: Final = "/i/"
_TO_PAY: Final = """<!doctype html><html lang="en"><title>Invoice</title><link rel="icon" href="data:,">
<h1>Invoice {number}</h1><form method="post"><button>Pay {amount}</button></form>"""
_PAID: Final = """<!doctype html><html lang="en"><title>Invoice</title><link rel="icon" href="data:,"><h1>Paid</h1>"""


@asynccontextmanager
async def serving(fake: StripeFake) -> AsyncIterator[str]:
    """Address of the running fake. The socket accepts connections before the server reads them: no wait is needed."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(fake, log_config=None, access_log=False, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


@contextmanager
def serving_pages(fake: StripeFake) -> Iterator[str]:
    """Address of the fake in a thread, with the pages on which people pay invoices."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        fake.world.invoice_pages = address
        config = uvicorn.Config(_with_pages(fake), log_config=None, access_log=False, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join(10)


def _with_pages(fake: StripeFake) -> Any:
    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(INVOICE_PAGE):
            await fake(scope, receive, send)
            return
        invoice = scope["path"].removeprefix(INVOICE_PAGE)
        found = fake.world.platform.objects[invoice]
        if scope["method"] == "POST":
            fake.acts.pay_hosted(invoice)
            text = _PAID
        else:
            text = _TO_PAY.format(number=found["number"], amount=f"{found['amount_due'] / 100:.2f}")
        head = [(b"content-type", b"text/html; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": text.encode()})

    return serve
