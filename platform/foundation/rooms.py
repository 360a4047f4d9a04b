"""Rooms: declarations of the parts of each package, from which the composition root derives the product.

A room is a package with its own tables; a slice is one of its folders. Both are described by the same fields, in
`<room>/room.py` and `<room>/<slice>/slice.py`. Parts that need the application's services are declared as a factory,
called with them when the product is built.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any, Self, TypeVar, cast

import click
import redis.asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.actions import AuditAction, AuditKind
from foundation.clock import Clock
from foundation.codes import LabelledCode
from foundation.dashboard_tiles import Tile
from foundation.database.engine import Database
from foundation.entitlements.features import Feature, Features
from foundation.events import EventType, Subscription
from foundation.i18n.localizer import translate
from foundation.ids import NewId
from foundation.jobs.ready_queue import ReadyQueue
from foundation.jobs.registry import JobHandler
from foundation.jobs.repair import Duty
from foundation.jobs.types import JobType
from foundation.marks import N_
from foundation.outbound.client import OutboundClient
from foundation.permissions import Permission
from foundation.retention import DataClass, Pin
from foundation.search_sources import SearchSource
from foundation.settings import Settings
from foundation.telemetry.metrics import LaneMetrics
from foundation.telemetry.tracing import Tracing
from foundation.usage.meters import Meter, Meters
from foundation.vault.rotation import EncryptedColumn
from foundation.vault.vault import Vault

S = TypeVar("S")
T = TypeVar("T")
Parts = Sequence[T] | Callable[["AppServices"], Sequence[T]]
"""Parts of the product, or the factory that builds them from the application's services."""
MoveClocks = Callable[[AsyncSession, datetime, datetime], Awaitable[None]]
"""Shifts the clocks of the scope's client, which was suspended from the first time to the second. Called in the
transaction that resumes the client: clocks must be right before any of its jobs run, so an event would be too late.
"""


class NavArea(StrEnum):
    """Part of the menu that shows an entry."""

    MSP = "msp"
    CLIENT = "client"
    PARTNER = "partner"


class MenuSection(LabelledCode):
    """Group of an area's entries, in the order of the menu, with its heading; the first has none."""

    DAILY = "daily", ""
    SETUP = "set-up", N_("Set-up")
    GOVERNANCE = "governance", N_("Governance")
    BILLING = "billing", N_("Billing")
    ACCOUNT = "account", N_("Account")


@dataclass(frozen=True, slots=True, kw_only=True)
class NavEntry:
    """An entry of the menu, shown to members with `permission`. `path` starts after the account's path; entries of a
    section are in the order of `position`.

    `badge` is SQL that selects one row per pending item in the tenant :t; the badge shows how many, and readers need
    `badge_permission` to see it. `covers`: paths of further pages that belong to the entry, which is marked on them.
    """

    area: NavArea
    position: int
    label: str
    path: str
    icon: str
    permission: str
    section: MenuSection = MenuSection.DAILY
    badge: str = ""
    badge_permission: str = ""
    covers: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[int, int]:
        """Sort key within the area."""
        return tuple(MenuSection).index(self.section), self.position


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPart:
    """Parts of the web application other than its guarded handlers: `mounts` are handlers outside the guard,
    `dependencies` parameters of handlers, `lifespan` runs as long as the application.
    """

    mounts: Sequence[Any] = ()
    dependencies: Mapping[str, Any] = field(default_factory=dict)
    lifespan: Callable[[], AbstractAsyncContextManager[None]] | None = None


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A permission that a packaged role has in every account, beside those of `policy/rules/roles.csv`."""

    role: str
    permission: Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class CliCommand:
    """A command or group of commands. `under` is the path of the group it belongs to; empty is `fairlead` itself."""

    command: click.Command
    under: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Parts of one folder. `models` are modules of table classes; their tables are the room's own.
    `message_subscriptions` are of canonical messages (`connectors.translation.subscriptions`), `webhook_events` the
    types of events for webhooks (`webhooks.event_types`).
    """

    models: Sequence[ModuleType] = ()
    services: Callable[["AppServices"], Sequence[object]] | None = None
    routes: Parts[Any] = ()
    pages: Parts[Any] = ()
    web: Callable[["AppServices"], WebPart] | None = None
    navigation: Sequence[NavEntry] = ()
    tiles: Sequence[Tile] = ()
    search_sources: Sequence[SearchSource] = ()
    job_types: Sequence[JobType[Any]] = ()
    jobs: Parts[JobHandler[Any]] = ()
    events: Sequence[EventType[Any]] = ()
    subscriptions: Sequence[Subscription[Any, Any]] = ()
    message_subscriptions: Parts[Any] = ()
    webhook_events: Sequence[Any] = ()
    repairs: Sequence[Duty] = ()
    clocks: Sequence[MoveClocks] = ()
    meters: Sequence[Meter] = ()
    features: Sequence[Feature] = ()
    permissions: Sequence[type[Permission]] = ()
    audit_actions: Sequence[type[AuditAction]] = ()
    grants: Sequence[RoleGrant] = ()
    sealed_columns: Sequence[EncryptedColumn] = ()
    retained: Sequence[DataClass] = ()
    pins: Sequence[Pin] = ()
    commands: Sequence[CliCommand] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Room(Slice):
    """A package with its own tables. Services of its slices are built after its own. Templates are found in `folder`
    (`branding.environment`).
    """

    name: str
    folder: Path | None = None
    slices: Sequence[Slice] = ()


class Rooms:
    """The product's rooms, lower ones first, and their parts."""

    def __init__(self, rooms: Iterable[Room]) -> None:
        self.rooms = tuple(rooms)
        names = [room.name for room in self.rooms]
        if len(set(names)) < len(names):
            raise ValueError(f"two rooms have one name: {names}")
        self.slices: tuple[Slice, ...] = tuple(part for room in self.rooms for part in (room, *room.slices))
        self._job_titles = {job_type.name: job_type.title for job_type in self.every(lambda room: room.job_types)}

    def __iter__(self) -> Iterator[Room]:
        return iter(self.rooms)

    def every(self, part: Callable[[Slice], Sequence[T]]) -> tuple[T, ...]:
        """All parts of one kind, such as `every(lambda room: room.events)`."""
        return tuple(one for each in self.slices for one in part(each))

    def built(self, part: Callable[[Slice], Parts[T]], services: "AppServices") -> tuple[T, ...]:
        """All parts of one kind, built from the application's services where they need them."""
        return tuple(one for each in self.slices for one in _build(part(each), services))

    def job_title(self, name: str) -> str:
        """Title of a job type in the reader's language; the name itself for a type of another release."""
        return translate(self._job_titles[name]) if name in self._job_titles else name

    @property
    def folders(self) -> Mapping[str, Path]:
        return {room.name: room.folder for room in self.rooms if room.folder is not None}

    @property
    def meters(self) -> Meters:
        return Meters(self.every(lambda room: room.meters))

    @property
    def features(self) -> Features:
        return Features(self.every(lambda room: room.features))

    @property
    def permission_labels(self) -> Mapping[str, str]:
        """Labels of every room's permissions, by code."""
        return {str(one): one.label for kind in self.every(lambda room: room.permissions) for one in kind}

    @property
    def audit_nouns(self) -> Mapping[AuditKind, Sequence[str]]:
        """Nouns of the audited actions of each kind, sorted."""
        nouns: dict[AuditKind, set[str]] = {kind: set() for kind in AuditKind}
        for actions in self.every(lambda room: room.audit_actions):
            nouns[actions.kind].update(action.partition(".")[0] for action in actions)
        return {kind: sorted(found) for kind, found in nouns.items()}

    @property
    def audit_labels(self) -> Mapping[str, str]:
        """Labels of every room's audited actions, by code."""
        return {action: action.label for each in self.every(lambda room: room.audit_actions) for action in each}

    @property
    def grants(self) -> tuple[RoleGrant, ...]:
        return self.every(lambda room: room.grants)

    @property
    def retained(self) -> tuple[DataClass, ...]:
        """Classes of data, each with the pins of all rooms."""
        pins = self.every(lambda room: room.pins)
        classes = self.every(lambda room: room.retained)
        return tuple(
            replace(one, pins=one.pins + tuple(pin.sql for pin in pins if pin.data_class == one.name))
            for one in classes
        )

    @property
    def sealed_columns(self) -> tuple[EncryptedColumn, ...]:
        """Every column of sealed values, for the rotation of data keys."""
        return self.every(lambda room: room.sealed_columns)

    def add_services(self, services: "A") -> "A":
        """`services` with those of the rooms, each built from those below it."""
        for each in self.slices:
            if each.services is not None:
                services = services.using(*each.services(services))
        return services

    async def move_clocks(self, session: AsyncSession, since: datetime, now: datetime) -> None:
        for move in self.every(lambda room: room.clocks):
            await move(session, since, now)


def _build(parts: Parts[T], services: "AppServices") -> Sequence[T]:
    return parts(services) if callable(parts) else parts


def build_from(kind: type[S], build: Callable[[S], Sequence[T]]) -> Callable[["AppServices"], Sequence[T]]:
    """Factory of parts that need one service."""
    return lambda services: build(services.get(kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class AppServices:
    """Services of one process: foundation's as fields, those of the rooms by their type."""

    rooms: Rooms
    settings: Settings
    db: Database
    valkey: "redis.asyncio.Redis"
    ready_queue: ReadyQueue
    vault: Vault
    outbound: OutboundClient
    metrics: CollectorRegistry
    lane_metrics: LaneMetrics
    tracing: Tracing
    clock: Clock
    new_id: NewId
    of_rooms: Mapping[type, object] = field(default_factory=dict)

    def get(self, kind: type[S]) -> S:
        """The service of this type. Raises LookupError when no room below provides it."""
        if kind not in self.of_rooms:
            raise LookupError(f"no room provides {kind.__name__}")
        return cast("S", self.of_rooms[kind])

    def using(self, *services: object) -> Self:
        """A copy with `services` added, each in place of one of its type."""
        return replace(self, of_rooms={**self.of_rooms, **{type(one): one for one in services}})


A = TypeVar("A", bound=AppServices)
