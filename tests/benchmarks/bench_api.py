"""An authenticated API request compared with a minimal route that runs only the list's query: the cost of sign-in and
rights.

Both return an empty list on a keep-alive connection, one request after the other, alternating; medians of rounds.
"""

import http.client
import statistics
import time
from typing import Final

from controlplane.services import Services
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from tenants.auth.api_keys import NewApiKey, create_api_key
from tenants.secrets import new_secret
from tests.benchmarks.bare import TABLE
from tests.benchmarks.brands import give_brand
from tests.benchmarks.rig import Client, Rig, make_client, running_rig
from tests.benchmarks.table import Row

ROUNDS: Final = 5
REQUESTS: Final = 400


def run() -> list[Row]:
    with running_rig() as rig:
        rig.start_product()
        client = rig.run(lambda services: make_client(services, rig.sandbox))
        headers = rig.run(lambda services: _credentials(services, client, rig.port))
        bare = _start_bare(rig)
        path = f"/api/v1/clients/{rig.slug(client)}/exceptions"
        _ask(rig.port, path, headers), _ask(bare, "/list", {})
        rounds = [(_ask(rig.port, path, headers), _ask(bare, "/list", {})) for _ in range(ROUNDS)]
    mine, theirs = (statistics.median(side) for side in zip(*rounds, strict=True))
    measured = f"{mine / theirs:.2f} ({mine * 1000:.2f} / {theirs * 1000:.2f} ms)"
    return [Row("API list with a key, rights, row-level security and problems ÷ bare route: p50", measured)]


async def _credentials(services: Services, client: Client, port: int) -> dict[str, str]:
    msp = Scope(client.scope.msp_id, client.scope.msp_id, Actor.system("bench"))
    host = await give_brand(services, msp, name="bench", port=port)
    async with services.db.transaction(client.scope) as session:
        wanted = NewApiKey(new_id(), "bench", "client_admin")
        _, key = await create_api_key(session, new_secret, wanted, now=utc_now())
    return {"Host": host, "Authorization": f"Bearer {key}"}


def _start_bare(rig: Rig) -> int:
    with rig.owner() as owner:
        owner.execute(TABLE)
    return rig.start_reference("bare", rig.database)


def _ask(port: int, path: str, headers: dict[str, str]) -> float:
    """Median of sequential requests on one connection, in seconds."""
    connection, times = http.client.HTTPConnection("127.0.0.1", port, timeout=60), []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - began)
        assert answer.status == 200, answer.status
    connection.close()
    return statistics.median(times)
