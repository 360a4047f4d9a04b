"""A source that retries without limit: signed webhooks over HTTP, sent under the same id until they are accepted."""

import asyncio
import random
from collections.abc import Sequence

import httpx2
import msgspec

from canonical.elements import STOCK
from connectors.sandbox.catalogue import sku_of
from connectors.webhooks.signatures import sign
from foundation.clock import utc_now
from tests.drills.history import History, Message, Sent
from tests.drills.web_app import Client

CONTESTED_SKUS = 20
AT_ONCE = 24
PATIENCE_SECONDS = 4.0
REFUSED_SECONDS = 120.0


class Load:
    """Load by seed: the seed determines the messages, but not the time and order of their arrival.

    Seven of ten messages carry one change of a SKU of their own, one carries several, and the rest set a few shared
    SKUs, with newer and older versions in any order. Some messages are sent twice.
    """

    def __init__(self, client: Client, addresses: Sequence[str], *, seed: int, skus: int, per_second: float) -> None:
        self.client = client
        self.history = History()
        self._addresses = addresses
        self._rng = random.Random(f"load {seed} {client.parity}")
        self._skus = skus
        self._pause = 1.0 / per_second
        self._next_sku = CONTESTED_SKUS
        self._version = 0
        self._free = asyncio.Semaphore(AT_ONCE)
        self._http: httpx2.AsyncClient

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`; returns when everything sent is acknowledged."""
        limits = httpx2.Limits(max_connections=AT_ONCE * 2)
        async with (
            httpx2.AsyncClient(timeout=PATIENCE_SECONDS, limits=limits) as self._http,
            asyncio.TaskGroup() as group,
        ):
            while not stop.is_set() and self._next_sku < self._skus - 10:
                for message in self._draw():
                    await self._free.acquire()
                    group.create_task(self._deliver(message))
                await asyncio.sleep(self._pause)

    def message(self, *changes: Sent) -> Message:
        message = Message(f"m-{self.client.name}-{len(self.history.messages)}", changes, utc_now())
        self.history.messages.append(message)
        return message

    async def sent(self, messages: int) -> None:
        """Return when `run` has begun to send so many messages, however fast this machine is."""
        while len(self.history.messages) < messages:  # noqa: ASYNC110 - it is counted in one place only
            await asyncio.sleep(self._pause)

    async def refused(self) -> None:
        """Return at the sender's next refused message."""
        before = self.history.answers["503"]
        async with asyncio.timeout(REFUSED_SECONDS):
            while self.history.answers["503"] == before:  # noqa: ASYNC110 - likewise
                await asyncio.sleep(self._pause)

    async def send(self, *changes: Sent, patience: float = PATIENCE_SECONDS) -> Message:
        """Send one message until it is acknowledged."""
        async with httpx2.AsyncClient(timeout=patience) as self._http:
            message = self.message(*changes)
            await self._persist(message, random.Random(0))
        return message

    def alone(self) -> Sent:
        self._next_sku += 1
        return self._change(sku_of(self._next_sku), alone=True)

    def contested(self) -> Sent:
        return self._change(sku_of(self._rng.randrange(CONTESTED_SKUS)), alone=False)

    def _change(self, sku: str, *, alone: bool) -> Sent:
        self._version += 1
        amount = 1000 + 2 * self._version + self.client.parity
        return Sent(sku, self._version, amount, alone, utc_now())

    def _draw(self) -> list[Message]:
        drawn = self._rng.random()
        if drawn < 0.7:
            return [self.message(self.alone())]
        if drawn < 0.8:
            return [self.message(*(self.alone() for _ in range(self._rng.randint(2, 5))))]
        if drawn < 0.92:
            return [self.message(self.contested())]
        crossing = [self.contested() for _ in range(3)]
        self._rng.shuffle(crossing)
        return [self.message(change) for change in crossing]

    async def _deliver(self, message: Message) -> None:
        rng = random.Random(f"{message.message_id} {self.client.parity}")
        try:
            await self._persist(message, rng)
            if rng.random() < 0.08:
                await asyncio.sleep(rng.uniform(0.0, 3.0))
                self.history.duplicates += 1
                await self._post(message, rng.randrange(len(self._addresses)))
        finally:
            self._free.release()

    async def _persist(self, message: Message, rng: random.Random) -> None:
        first = rng.randrange(len(self._addresses))
        while message.acknowledged is None:
            status = await self._post(message, first + message.attempts)
            message.attempts += 1
            if status == httpx2.codes.ACCEPTED:
                message.acknowledged = utc_now()
            else:
                await asyncio.sleep(rng.uniform(0.02, min(1.0, 0.05 * 2.0**message.attempts)))

    async def _post(self, message: Message, address: int) -> int:
        """The status, or 0 without a response."""
        body = self.body(message)
        headers = sign(
            self.client.hook_secret.encode(), message_id=message.message_id, sent_at=utc_now(), body=body
        ) | {"content-type": "application/json"}
        url = f"{self._addresses[address % len(self._addresses)]}/hooks/{self.client.erp}"
        try:
            status = (await self._http.post(url, headers=headers, content=body)).status_code
        except httpx2.TransportError as error:
            self.history.answers[type(error).__name__] += 1
            return 0
        self.history.answers[str(status)] += 1
        return status

    def body(self, message: Message) -> bytes:
        """The message's body, always with the same bytes."""
        changes = [
            {
                "sku": change.sku, "element": STOCK, "amount": change.amount, "currency": "", "version": change.version,
                "committed_at": change.committed_at,
            }
            for change in message.changes
        ]  # fmt: skip
        return msgspec.json.encode({"type": "changes", "changes": changes})
