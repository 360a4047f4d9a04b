from dataclasses import replace
from datetime import UTC, datetime

import pytest

from foundation.ids import new_id
from foundation.scope import Actor, Scope

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def now() -> datetime:
    return NOW


def as_member(scope: Scope, name: str) -> Scope:
    """The same account, with another member as actor."""
    return replace(scope, actor=Actor(kind="member", id=str(new_id()), name=name))


def as_system(scope: Scope) -> Scope:
    return replace(scope, actor=Actor.system("propagation"))


@pytest.fixture
def msp_account(scope: Scope) -> Scope:
    """The MSP's own account."""
    return scope.for_tenant(scope.msp_id)
