"""A client whose onboarding is half finished: its ERP is connected and has sent a webhook; a visitor does the rest in
the browser.
"""

import base64
import secrets
from typing import Final
from uuid import UUID

import msgspec

from canonical.elements import STOCK
from canonical.values import quantity
from connectors.add_connection import add_connection
from connectors.connection_input import ConnectionInput
from connectors.poll_job import schedule_poll
from connectors.runtime import ConnectorRuntime
from connectors.sandbox.catalogue import sku_of
from connectors.sandbox.erp.messages import NewErpValue
from connectors.sandbox.plan import SystemPlan
from controlplane.demo.plan import PASSWORD, DemoMember
from controlplane.demo.systems import ClientSystems
from controlplane.local_index import PracticeSystem
from controlplane.provisioning import NewAccountMember, add_member, create_new_client
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Scope
from governance.onboarding.check import go_live
from governance.onboarding.queries import load_onboarding
from tenants.client_input import ClientInput
from tenants.states import Environment

MSP: Final = "northbeam"
SLUG: Final = "maple"
NAME: Final = "Maple Living"
APPROVER: Final = DemoMember("mia@maple.example", "Mia Maple", "client_approver")
_CURRENCY: Final = "USD"
_SKUS: Final = 12


class OnboardedByHalf(msgspec.Struct, frozen=True):
    scope: Scope
    erp: UUID
    hook_secret: str


def onboarding_plans(token: str) -> list[SystemPlan]:
    """An ERP and a shop, of which only the ERP is connected."""
    return [
        SystemPlan(name=f"{SLUG}-erp", kind="sandbox-erp", token=token, currency=_CURRENCY, skus=_SKUS),
        SystemPlan(name=f"{SLUG}-shop", kind="sandbox-shop", token=token, currency=_CURRENCY, skus=_SKUS),
    ]


def practice_systems(sandbox: str, token: str) -> list[PracticeSystem]:
    """Data about the shop to connect, for the start page of this machine."""
    return [
        PracticeSystem(
            name=f"{NAME}: web shop", kind="Sandbox shop", address=f"{sandbox}/{SLUG}-shop", key=token,
            page=f"{sandbox}/{SLUG}-shop/",
        ),
        PracticeSystem(
            name=f"{NAME}: ERP, to change a value", kind="", address="", key="",
            page=f"{sandbox}/{SLUG}-erp/?token={token}",
        ),
    ]  # fmt: skip


async def seed_onboarding(services: Services, msp_account: Scope, *, sandbox: str, token: str) -> OnboardedByHalf:
    new = ClientInput(
        name=NAME, slug=SLUG, currency=_CURRENCY, language="en", time_zone="America/New_York", region="US",
        environment=Environment.SANDBOX,
    )  # fmt: skip
    scope = await create_new_client(services, msp_account, new)
    await add_member(services, scope, NewAccountMember(APPROVER.email, APPROVER.name, PASSWORD, APPROVER.role))
    hook_secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    erp = ConnectionInput(
        kind="sandbox-erp", name="ERP", base_url=f"{sandbox}/{SLUG}-erp",
        secrets={"webhook_secret": hook_secret, "api_key": token},
    )  # fmt: skip
    async with services.db.transaction(scope) as session:
        runtime = services.get(ConnectorRuntime)
        erp_id = await add_connection(session, runtime, erp, now=utc_now(), new_id=new_id)
        await schedule_poll(session, erp_id, at=utc_now())
    return OnboardedByHalf(scope, erp_id, hook_secret)


async def send_first_webhook(systems: ClientSystems) -> None:
    """A stock count in the ERP, which its webhook reports."""
    await systems.enter(NewErpValue(sku_of(0), STOCK, value=quantity(41)))


async def record_live(services: Services, scope: Scope) -> None:
    """Record that a client, which works already, is live."""
    async with services.db.transaction(scope.for_tenant(scope.msp_id).for_fleet()) as session:
        view = await load_onboarding(session, scope.tenant_id, now=utc_now())
    if view.is_ready:
        async with services.db.transaction(scope) as session:
            await go_live(session, view, now=utc_now())
