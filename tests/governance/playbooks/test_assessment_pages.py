"""An assessment reads every page of a client's contracts and connections."""

from typing import Any

import msgspec
import pytest

from foundation.clock import utc_now
from governance.connections.lists import CONNECTIONS, CONTRACTS
from governance.playbooks import assessment
from tests.support.client_env import ClientEnv


async def test_all_contracts_and_connections_are_assessed(env: ClientEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assessment, "CONTRACTS", msgspec.structs.replace(CONTRACTS, most=1, usual=1))
    monkeypatch.setattr(assessment, "CONNECTIONS", msgspec.structs.replace(CONNECTIONS, most=1, usual=1))
    monkeypatch.setattr(assessment, "_onboarding", lambda _: [])
    expected = {element for (element,) in await env.rows("SELECT element FROM element_contract")}
    nothing: Any = None
    async with env.services.db.transaction(env.scope) as session:
        found = await assessment.assess_client(session, nothing, now=utc_now())
    assert len(expected) > 1
    assert expected <= {one.element for one in found.ownership}
    assert len(found.integrations) == 1 + len(env.channels) > 1
