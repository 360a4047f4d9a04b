"""Connectors with scripted responses, in place of the sandbox's."""

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from connectors.ports import ChannelReading, ConnectionConfig, HttpCaller, KeyPage, PollPage
from tests.support.client_env import ClientEnv

Answer = Callable[[str, int], PollPage]


class ScriptedSource:
    """`answer` gets the cursor and the number of earlier polls; it returns a page or raises."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def poll(self, http: HttpCaller, config: ConnectionConfig, cursor: str, now: datetime) -> PollPage:
        self.asked.append(cursor)
        return self.answer(cursor, len(self.asked) - 1)


class ScriptedCatalogue:
    def __init__(self, answer: Callable[[str, int], KeyPage]) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def list_keys(self, http: HttpCaller, config: ConnectionConfig, cursor: str) -> KeyPage:
        self.asked.append(cursor)
        return self.answer(cursor, len(self.asked) - 1)


class ScriptedChannel:
    max_batch = 250

    def __init__(self, answer: Callable[[str, str], ChannelReading]) -> None:
        self.answer = answer

    async def push(self, http: HttpCaller, config: ConnectionConfig, writes: Sequence[object]) -> list[object]:
        raise NotImplementedError

    async def read(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[tuple[str, str]]
    ) -> list[ChannelReading]:
        return [self.answer(*key) for key in keys]


def replace_part(env: ClientEnv, kind: str, **parts: object) -> None:
    """`parts`: of `connectors.ports.Connector`."""
    runtime = env.services.governance.runtime
    registry = dict(runtime.registry)
    registry[kind] = msgspec.structs.replace(registry[kind], **parts)
    runtime.registry = registry
