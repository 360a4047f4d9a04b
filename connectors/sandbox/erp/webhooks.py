"""Webhooks of the sandbox ERP: signed, in order, retried; or duplicated and shuffled by fault settings."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import httpx2
import msgspec

from connectors.sandbox.erp.adapter import change_id
from connectors.sandbox.erp.messages import ChangeBatch, ErpRecord
from connectors.sandbox.faults import FaultSource, rename_fields
from connectors.webhooks.signatures import sign
from foundation.clock import Clock


class WebhookTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    secret: str
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1  # 1: each change is its own message
    attempts: Annotated[int, msgspec.Meta(ge=1, le=20)] = 8
    retry_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.2  # doubles with each attempt
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 10.0


class WebhookMessage(msgspec.Struct, frozen=True):
    message_id: str
    body: bytes


class WebhookSender:
    """One sending task, started with the first change, so that order is preserved."""

    def __init__(self, faults: FaultSource, clock: Clock) -> None:
        self.target: WebhookTarget | None = None
        self.counts: Counter[str] = Counter()
        self._faults = faults
        self._clock = clock
        self._waiting: list[ErpRecord] = []
        self._held: list[WebhookMessage] = []
        self._task: asyncio.Task[None] | None = None

    def notify(self, changes: Sequence[ErpRecord]) -> None:
        if self.target is None:
            return
        self._waiting.extend(changes)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._send_waiting())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _send_waiting(self) -> None:
        async with httpx2.AsyncClient() as client:
            while self._waiting and (target := self.target):
                taken, self._waiting = self._waiting[: target.batch_size], self._waiting[target.batch_size :]
                for message in self._faulty_order(self._message(taken, target)):
                    await self._deliver(client, target, message)

    def _message(self, changes: list[ErpRecord], target: WebhookTarget) -> WebhookMessage:
        first, last = changes[0], changes[-1]
        if target.batch_size == 1:
            message_id, body = change_id(first.version), msgspec.json.encode(first)
        else:
            message_id, body = (
                f"chg_{first.version}_{last.version}",
                msgspec.json.encode(ChangeBatch([msgspec.Raw(msgspec.json.encode(change)) for change in changes])),
            )
        if names := self._faults.active.renamed_fields:
            body = rename_fields(body, names)
        return WebhookMessage(message_id, body)

    def _faulty_order(self, message: WebhookMessage) -> list[WebhookMessage]:
        faults = self._faults.active
        self._held.append(message)
        if self._faults.strikes(faults.duplicate_webhooks):
            self._held.append(message)
        if faults.reorder_webhooks > 1:
            if len(self._held) < faults.reorder_webhooks and self._waiting:
                return []
            self._faults.rng.shuffle(self._held)
        ready, self._held = self._held, []
        return ready

    async def _deliver(self, client: httpx2.AsyncClient, target: WebhookTarget, message: WebhookMessage) -> None:
        for attempt in range(target.attempts):
            if attempt:
                await asyncio.sleep(target.retry_seconds * 2 ** (attempt - 1))
            headers = sign(
                target.secret.encode(), message_id=message.message_id, sent_at=self._clock(), body=message.body
            )
            headers["content-type"] = "application/json"
            try:
                response = await client.post(
                    target.url, headers=headers, content=message.body, timeout=target.timeout_seconds
                )
            except httpx2.TransportError:
                self.counts["unreachable"] += 1
                continue
            self.counts[str(response.status_code)] += 1
            if response.is_success:
                self.counts["delivered"] += 1
                return
        self.counts["given up"] += 1
