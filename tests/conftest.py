"""Fixtures of every test. Fixtures that need the product import it themselves, so that loading this file is cheap."""

import base64
import gc
from dataclasses import dataclass
from uuid import UUID

import pytest
import structlog
from hypothesis import HealthCheck, settings

from foundation.ids import new_id
from foundation.scope import Actor, Scope

VAULT_KEYS = "k1:" + base64.b64encode(bytes(range(32))).decode()
# No deadline, so that a busy machine fails no test. Tests suppress the check of fixtures that their examples share.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("any machine")
# Rich tracebacks print every local variable, which can block the loop for half a minute on a busy machine.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)
pytest_plugins = [
    "tests.support.no_skips",
    "tests.support.stray_files",
    "tests.support.figures",
    "tests.support.spreading",
    "tests.support.time_by_folder",
    "tests.support.fixtures_servers",
    "tests.support.fixtures_product",
]


def pytest_collection() -> None:
    """Collection creates no garbage, and searching for it takes a third of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Exclude the product and pytest from garbage collection.

    An application is forty thousand objects. With Python's own settings, collections took half of its construction.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)
    gc.enable()


@dataclass(frozen=True)
class Urls:
    """Addresses of one migrated database, by role."""

    owner: str
    app: str
    intake: str
    relay: str
    backup: str
    redis: str


def make_scope(
    *, msp_id: UUID | None = None, tenant_id: UUID | None = None, name: str = "Ada", partner_id: UUID | None = None
) -> Scope:
    """A scope of a tenant without any other rows."""
    actor = Actor(kind="member", id=str(new_id()), name=name)
    return Scope(msp_id=msp_id or new_id(), tenant_id=tenant_id or new_id(), actor=actor, partner_id=partner_id)


@pytest.fixture
def scope() -> Scope:
    return make_scope()


@pytest.fixture
def other_scope() -> Scope:
    """Another client of another MSP, for isolation tests."""
    return make_scope(name="Mallory")


@pytest.fixture
def sibling_scope(scope: Scope) -> Scope:
    """Another client of the same MSP."""
    return make_scope(msp_id=scope.msp_id, name="Sib")
