"""Settings of an MSP for all its clients, saved while one of them is created."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from foundation.clock import utc_now
from foundation.commands import OPERATOR
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope
from governance.escalations.schemas import EscalationStep
from governance.onboarding import msp_defaults
from governance.onboarding.msp_defaults import MspDefaults, catch_up


class NoDatabase:
    @asynccontextmanager
    async def transaction(self, scope: Scope) -> AsyncIterator[None]:
        yield


def with_ladder(minutes: int) -> MspDefaults:
    return MspDefaults(
        version=1, rules=[], dashboard=None, ladder=[EscalationStep("approval", minutes, "client_approver")]
    )


@pytest.mark.parametrize(("saved", "copied"), [((60,), []), ((60, 120), [120]), ((60, 120, 180), [120, 180])])
async def test_the_newest_is_the_last_that_a_new_client_gets(
    saved: tuple[int, ...], copied: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The MSP saves each of `saved` after the previous one was read."""
    readings: Iterator[int] = iter([*saved[1:], saved[-1]])
    written: list[int] = []

    async def read(*_: object) -> MspDefaults:
        return with_ladder(next(readings))

    async def copy(_: object, steps: Any, **__: object) -> None:
        written.append(steps[0].after_minutes)

    monkeypatch.setattr(msp_defaults, "read_msp_defaults", read)
    monkeypatch.setattr(msp_defaults, "copy_msp_ladder", copy)
    scope = Scope(msp_id=new_id(), tenant_id=new_id(), actor=OPERATOR)
    database = cast("Database", NoDatabase())
    await catch_up(database, scope, with_ladder(saved[0]), clock=utc_now, new_id=new_id)
    assert written == copied
