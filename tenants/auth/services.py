"""Dependencies of authentication, built once by the composition root as `AuthServices`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import Clock
from foundation.database.engine import Database
from foundation.web.rate_limit import RateLimiter
from policy.cache import PolicyCache
from tenants.auth.challenges import Challenges
from tenants.auth.devices import Devices
from tenants.auth.passwords import Passwords
from tenants.auth.sessions import SessionStore
from tenants.auth.throttle import SignInThrottle
from tenants.auth.tickets import TicketStore
from tenants.factors.factors import SecondFactors
from tenants.mail.mailer import Mailer
from tenants.secrets import NewSecret

MoveClocks = Callable[[AsyncSession, datetime, datetime], Awaitable[None]]
"""Shifts the SLO clocks of the scope's client, which was suspended from the first time to the second."""


@dataclass(frozen=True, slots=True)
class AuthServices:
    """`move_clocks` is implemented by a higher room: clocks must be right when a client's resumption commits, before
    any of its jobs run; an event would arrive too late. Without a `limiter`, requests to the API are not counted.
    """

    db: Database
    policies: PolicyCache
    sessions: SessionStore
    passwords: Passwords
    throttle: SignInThrottle
    devices: Devices
    clock: Clock
    new_secret: NewSecret
    move_clocks: MoveClocks
    mailer: Mailer
    tickets: TicketStore
    factors: SecondFactors
    challenges: Challenges
    permissions: Mapping[str, str]
    """Labels of every permission of the product, by code."""
    limiter: RateLimiter | None = None
