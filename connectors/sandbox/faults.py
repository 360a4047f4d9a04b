"""Configurable faults of a sandbox system."""

import asyncio
import random

import msgspec

from foundation.decoding import decode_json


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Fault settings. Shares are probabilities between 0 and 1, drawn from the system's own seeded source.

    `remaining` is the number of data requests with faults; afterwards the system works normally.
    """

    latency_seconds: float = 0.0
    jitter_seconds: float = 0.0
    held: float = 0.0  # the request continues when the faults are cleared
    too_many_requests: float = 0.0
    retry_after: str = ""  # header text, seconds or a date; empty sends none
    server_error: float = 0.0
    discard: float = 0.0  # channels: answer success and change nothing
    discard_skus: frozenset[str] = frozenset()
    lost_answer: float = 0.0  # the effect happens; the caller waits `hang_seconds` and is disconnected
    hang_seconds: float = 30.0
    drip_seconds: float = 0.0  # seconds between bytes of the response (slow loris)
    outage: float = 0.0  # the connection is reset before anything is read
    renamed_fields: dict[str, str] = {}
    duplicate_webhooks: float = 0.0
    reorder_webhooks: int = 0  # webhooks are queued and sent shuffled in groups of this size
    remaining: int | None = None


WELL = Faults()


class FaultSource:
    """Current faults of one system, and the random source that triggers them."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.active = WELL
        self._mended = asyncio.Event()

    def set(self, faults: Faults) -> None:
        self.active = faults
        if faults == WELL:
            self._mended.set()
            self._mended = asyncio.Event()

    async def mended(self) -> None:
        """Returns when the faults are next cleared."""
        await self._mended.wait()

    def next_request(self) -> Faults:
        """Faults for the request that now begins."""
        faults = self.active
        if faults.remaining is not None:
            left = faults.remaining - 1
            self.active = msgspec.structs.replace(faults, remaining=left) if left > 0 else WELL
            if left < 0:
                return WELL
        return faults

    def strikes(self, share: float) -> bool:
        return share > 0 and self.rng.random() < share

    def discards(self, faults: Faults, sku: str) -> bool:
        return sku in faults.discard_skus or self.strikes(faults.discard)

    def delay(self, faults: Faults) -> float:
        jitter = self.rng.random() * faults.jitter_seconds if faults.jitter_seconds else 0.0
        return faults.latency_seconds + jitter


def rename_fields(body: bytes, names: dict[str, str]) -> bytes:
    """The same JSON with other field names, at every depth."""

    def renamed(node: object) -> object:
        if isinstance(node, dict):
            return {names.get(key, key): renamed(value) for key, value in node.items()}
        return [renamed(item) for item in node] if isinstance(node, list) else node

    return msgspec.json.encode(renamed(decode_json(body)))
