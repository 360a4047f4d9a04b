"""API of simulations."""

from typing import Any, Final
from uuid import UUID

from litestar.params import FromPath, JSONBody

from billing.permissions import BillingPermission
from billing.simulation.run import run_simulation
from billing.simulation.schemas import Simulation, SimulationInput
from billing.web.dependencies import KnownMeters
from foundation.web.api import post
from tenants.web.dependencies import OpenAccess


@post(
    "/api/v1/price-books/{book_id:uuid}/simulations",
    opt={"permission": BillingPermission.READ_PRICE_BOOKS},
    tags=["prices"],
    status_code=200,
)
async def simulate_prices(
    access: OpenAccess, meters: KnownMeters, book_id: FromPath[UUID], data: JSONBody[SimulationInput]
) -> Simulation:
    """Return the cost of a month's usage by the prices that applied and by a draft, per meter and client. Prepaid units
    are ignored: the usage they cover is priced, too. Nothing is stored.
    """
    return (await run_simulation(access, meters, book_id, data)).result


SIMULATION_ROUTES: Final[tuple[Any, ...]] = (simulate_prices,)
