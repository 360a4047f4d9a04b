"""What it takes to let somebody in. The composition root makes one `Door` and passes it."""

from dataclasses import dataclass

from foundation.clock import Clock
from foundation.database.engine import Database
from policy.cache import PolicyCache
from tenants.passwords import Passwords
from tenants.secrets import NewSecret
from tenants.sessions import SessionStore
from tenants.throttle import SignInThrottle


@dataclass(frozen=True, slots=True)
class Door:
    db: Database
    policies: PolicyCache
    sessions: SessionStore
    passwords: Passwords
    throttle: SignInThrottle
    clock: Clock
    new_secret: NewSecret
