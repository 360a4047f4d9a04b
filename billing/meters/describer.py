"""Port: describes a usage event on an invoice; implemented by the room that metered it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class UsageDescription:
    """`subject` is the record, `what` its value in words, `where` the channel; `path` begins behind the client's."""

    subject: str
    what: str
    where: str
    path: str


DescribeUsage = Callable[[AsyncSession, UUID, str, Sequence[UUID]], Awaitable[Mapping[UUID, UsageDescription]]]
"""By event, of this client's events of this meter; those that nothing is known of are left out."""


@dataclass(frozen=True, slots=True)
class UsageDescriber:
    """`permission` is what the reader needs to be told."""

    permission: str
    describe: DescribeUsage
