"""What a usage event was, in the words of the room that metered it. The composition root says whom to ask."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Used:
    """`subject` is the record, `what` its value in words, `where` the channel; `path` begins behind the client's."""

    subject: str
    what: str
    where: str
    path: str


Tell = Callable[[AsyncSession, UUID, str, Sequence[UUID]], Awaitable[Mapping[UUID, Used]]]
"""By event, of this client's events of this meter; those that nothing is known of are left out."""


@dataclass(frozen=True, slots=True)
class Telling:
    """`permission` is what the reader needs to be told."""

    permission: str
    tell: Tell
