"""The sender's log: sent messages, times of acceptance, and every response."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from tests.drills.plan import Act, Target


class Sent(msgspec.Struct, frozen=True, gc=False):
    """One value that the source set: later versions were committed later. `alone`: no other change concerns its SKU."""

    sku: str
    version: int
    amount: int
    alone: bool
    committed_at: datetime


class Message(msgspec.Struct):
    """One webhook. It is sent until it is acknowledged, always under the same id."""

    message_id: str
    changes: tuple[Sent, ...]
    first_sent: datetime
    acknowledged: datetime | None = None
    attempts: int = 0


@dataclass
class History:
    """History of one client. `answers` counts every response by status, and transport errors by name."""

    messages: list[Message] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0

    @property
    def acknowledged(self) -> list[Message]:
        return [message for message in self.messages if message.acknowledged is not None]

    @property
    def changes(self) -> list[Sent]:
        """Changes of the acknowledged messages."""
        return [change for message in self.acknowledged for change in message.changes]

    @property
    def alone(self) -> dict[str, Sent]:
        return {change.sku: change for change in self.changes if change.alone}

    @property
    def contested(self) -> dict[str, Sent]:
        """The newest acknowledged change of each SKU that was set more than once."""
        newest: dict[str, Sent] = {}
        for change in self.changes:
            if not change.alone and (change.sku not in newest or newest[change.sku].version < change.version):
                newest[change.sku] = change
        return newest


@dataclass
class Injected:
    """An injected fault. `lasted` is zero for a fault whose work another process could take over at once."""

    name: str
    at: datetime
    target: Target
    act: Act
    lasted: timedelta = timedelta()
    recovery_seconds: float = 0.0
    touched: int = 0

    @property
    def ended_at(self) -> datetime:
        return self.at + self.lasted
