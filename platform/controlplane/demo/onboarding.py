"""A client whose onboarding is half finished: its ERP is connected and has sent a webhook; a visitor does the rest in
the browser.
"""

import base64
import secrets
from datetime import timedelta
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
from governance.elements.publish_contract import USUAL_ELEMENTS
from governance.onboarding.check import go_live
from governance.onboarding.client_templates.apply import apply_version
from governance.onboarding.client_templates.content import TemplateConnection, TemplateContent, TemplateContract
from governance.onboarding.client_templates.save import create_template
from governance.onboarding.client_templates.store import load_version
from governance.onboarding.queries import load_onboarding
from governance.playbooks.example import example_playbook
from governance.playbooks.queries import find_project
from governance.playbooks.save_playbook import load_playbook, save_playbook
from governance.playbooks.schemas import EvidenceInput, ObjectiveInput, SponsorsInput, TaskInput
from governance.playbooks.states import EvidenceKind, FirstJourney, ProjectObjective, TaskState
from governance.playbooks.work import add_evidence, change_task, set_objective, set_sponsors, start_project
from tenants.client_input import ClientInput
from tenants.states import Environment

MSP: Final = "northbeam"
SLUG: Final = "maple"
NAME: Final = "Maple Living"
APPROVER: Final = DemoMember("mia@maple.example", "Mia Maple", "client_approver")
TEMPLATE: Final = "Shop clients"
PLAYBOOK: Final = "Client onboarding"
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
    scope = await create_new_client(services, msp_account, new, holds_values=True)
    await add_member(services, scope, NewAccountMember(APPROVER.email, APPROVER.name, PASSWORD, APPROVER.role))
    await _seed_template(services, msp_account, scope)
    await _seed_project(services, msp_account, scope)
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


async def _seed_template(services: Services, msp_account: Scope, scope: Scope) -> None:
    """A template that the client follows. Its contracts wait for the systems."""
    content = TemplateContent(
        connections=[TemplateConnection("ERP", "sandbox-erp"), TemplateConnection("Web shop", "sandbox-shop")],
        contracts=[TemplateContract(element=code, source="ERP", owner=owner) for code, owner in USUAL_ELEMENTS.items()],
    )
    async with services.db.transaction(msp_account) as session:
        template_id = await create_template(session, name=TEMPLATE, content=content, now=utc_now(), new_id=new_id)
        version = await load_version(session, template_id)
    async with services.db.transaction(scope) as session:
        registry = services.get(ConnectorRuntime).registry
        await apply_version(session, version, registry=registry, now=utc_now(), new_id=new_id)


async def _seed_project(services: Services, msp_account: Scope, scope: Scope) -> None:
    """A project that began ten days ago, with a task that is blocked and others without an owner."""
    now = utc_now()
    async with services.db.transaction(msp_account) as session:
        content = example_playbook()
        saved = await save_playbook(session, name=PLAYBOOK, content=content, now=now, new_id=new_id)
        playbook = await load_playbook(session, saved.playbook_id)
    async with services.db.transaction(scope) as session:
        first = (now - timedelta(days=10)).date()
        await start_project(session, playbook, starts_on=first, now=now, new_id=new_id)
        sponsors = SponsorsInput(commerce="Clara Maple", operations="Oscar Maple", it="Ines Maple")
        await set_sponsors(session, sponsors, now=now)
        objective = ObjectiveInput(
            objective=ProjectObjective.ACCOUNTABILITY, target="Every price has one owner by the end of the quarter",
            first_journey=FirstJourney.PRICES,
        )  # fmt: skip
        await set_objective(session, objective, now=now)
        project = await find_project(session, today=now.date())
        tasks = [task for phase in project.phases for task in phase.tasks][1:] if project is not None else []
        await change_task(session, tasks[0].id, TaskInput(owner="Oscar Maple"), now=now)
        note = EvidenceInput(kind=EvidenceKind.NOTE, text="Ownership workshop, minutes in the client's folder")
        await add_evidence(session, tasks[0].id, note, now=now, new_id=new_id)
        await change_task(session, tasks[0].id, TaskInput(state=TaskState.DONE), now=now)
        reason = "The list of the warehouse's interfaces is missing."
        blocked = TaskInput(state=TaskState.BLOCKED, reason=reason, owner="Ines Maple")
        await change_task(session, tasks[1].id, blocked, now=now)


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
