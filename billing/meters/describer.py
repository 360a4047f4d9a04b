"""Port: describes a usage event on an invoice; implemented by the room that metered it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class UsageDescription:
    """`subject` is the record, `what` its value in words, `where` the channel; `path` starts after the client's
    path.
    """

    subject: str
    what: str
    where: str
    path: str


DescribeUsage = Callable[[AsyncSession, UUID, str, Sequence[UUID]], Awaitable[Mapping[UUID, UsageDescription]]]
"""Descriptions by event id, for this client's events of this meter; unknown events are omitted."""


@dataclass(frozen=True, slots=True)
class UsageDescriber:
    """A meter's describer. `permission` is required of the reader."""

    permission: str
    describe: DescribeUsage
