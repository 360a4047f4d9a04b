"""`fairlead demo --check`: the main use case over public HTTP, counted on both ends and reconciled."""

import asyncio
import time
from decimal import Decimal

import httpx2
import msgspec
from sqlalchemy import text

from billing.jobs import schedule_rating, schedule_total
from canonical.elements import ORDER_STATUS, PRICE
from canonical.keys import ElementKey
from canonical.money import Money
from canonical.orders import ORDER
from canonical.values import EnumerationValue
from connectors.sandbox.catalogue import sku_of
from connectors.sandbox.erp.messages import NewErpValue
from controlplane.demo.installation import DemoInstallation
from controlplane.demo.plan import PASSWORD
from controlplane.demo.progress import wait_for
from controlplane.demo.trade import SHIPPED, divided_values, order_of
from controlplane.demo.visitor import Visitor
from controlplane.services import Services, build_services
from foundation.audit.chain import verify_chain
from foundation.clock import utc_now
from foundation.relations import USAGE_EVENTS
from governance.labels import write_element
from governance.relations import CHANGES, PROPAGATIONS

SMALL, LARGE = 6, 2


class CheckReport(msgspec.Struct):
    """Counts of this run; `problems` is empty when every number reconciles."""

    changes: int = 0
    approvals: int = 0
    propagations: int = 0
    read_backs: int = 0
    usage_events: int = 0
    audit_entries: int = 0
    divided_values: int = 0
    orders: int = 0
    invoices: dict[str, str] = msgspec.field(default_factory=dict)
    other_tenant_saw: int = 0
    seconds: float = 0.0
    problems: list[str] = msgspec.field(default_factory=list)

    def expect(self, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            self.problems.append(f"{what}: {found}, expected {wanted}")


async def check(demo: DemoInstallation) -> CheckReport:
    """Small price changes pass, large ones are approved over HTTP; all are verified, metered and billed."""
    report, started = CheckReport(), time.monotonic()
    services = build_services(demo.stack.settings, pool_size=4, name="fairlead check")
    try:
        await _trade(demo, report)
        await _main_job(demo, services, report)
        await _billing(demo, services, report)
        await _isolation(demo, report)
    except (RuntimeError, TimeoutError, httpx2.HTTPError) as error:
        report.problems.append(str(error) or type(error).__name__)  # a failed step is reported like any other problem
    finally:
        await services.close()
    report.seconds = round(time.monotonic() - started, 2)
    return report


async def _main_job(demo: DemoInstallation, services: Services, report: CheckReport) -> None:
    msp, client = demo.msps[0], demo.msps[0].clients[0]
    before = await _counts(services, demo)
    values = [
        NewErpValue(sku_of(n), PRICE, amount=(10 + n) * 100 + (20 if n < SMALL else 900)) for n in range(SMALL + LARGE)
    ]
    async with demo.systems(client) as systems:
        await systems.enter(*values)
    wanted = before["changes"] + len(values)
    await wait_for(services, client, f"SELECT count(*) FROM {CHANGES} c", wanted)
    async with Visitor(demo.address(msp.plan.slug), demo.port) as approver:
        await approver.sign_in(client.approver.email, PASSWORD)
        await approver.page(f"/clients/{client.plan.slug}/approvals")
        waiting = await approver.api("GET", f"/clients/{client.plan.slug}/approvals")
        for item in waiting["items"]:
            path = f"/clients/{client.plan.slug}/changes/{item['change']['id']}/answer"
            await approver.api(
                "POST", path, {"grant": True, "reason": "Checked.", "approval_id": item["approval"]["id"]}
            )
            report.approvals += 1
    seen = before["read_backs"] + len(values) * len(client.channels)
    await wait_for(services, client, f"SELECT count(*) FROM {PROPAGATIONS} p WHERE state = 'verified'", seen)
    after = await _counts(services, demo)
    report.changes = after["changes"] - before["changes"]
    report.propagations = after["propagations"] - before["propagations"]
    report.read_backs = after["read_backs"] - before["read_backs"]
    report.usage_events = after["usage_events"] - before["usage_events"]
    report.expect("changes", report.changes, len(values))
    report.expect("approvals", report.approvals, LARGE)
    report.expect("propagations", report.propagations, len(values) * len(client.channels))
    report.expect("read-backs", report.read_backs, report.propagations)
    report.expect("usage events", report.usage_events, report.read_backs)
    await _channels_agree(demo, report, values)
    async with services.db.transaction(client.scope) as session:
        verification = await verify_chain(session)
    report.audit_entries = verification.entries
    report.expect("audit chain broken at", verification.broken_at, None)


async def _counts(services: Services, demo: DemoInstallation) -> dict[str, int]:
    client = demo.msps[0].clients[0]
    async with services.db.transaction(client.scope) as session:
        row = (
            await session.execute(
                text(f"""
                    SELECT (SELECT count(*) FROM {CHANGES} c) AS changes,
                           (SELECT count(*) FROM {PROPAGATIONS} p) AS propagations,
                           (SELECT count(*) FROM {PROPAGATIONS} p WHERE state = 'verified') AS read_backs,
                           (SELECT count(*) FROM {USAGE_EVENTS} u) AS usage_events
                """)
            )
        ).one()
    return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping


async def _channels_agree(demo: DemoInstallation, report: CheckReport, values: list[NewErpValue]) -> None:
    """Compare with the remote system, not our tables: the shop's storefront must show each new price."""
    async with demo.systems(demo.msps[0].clients[0]) as systems:
        page = await systems.storefront()
    for value in values:
        report.expect(f"{value.sku} on the shop", f"{(value.amount or 0) / 100:,.2f}" in page, wanted=True)


async def _trade(demo: DemoInstallation, report: CheckReport) -> None:
    """Compare each client's divided values and order with what its sandbox systems hold."""
    for client in demo.clients:
        name, number, currency = client.plan.slug, demo.orders[client.plan.slug], client.plan.currency
        async with demo.systems(client) as systems:
            for key, value in divided_values(currency).items():
                what = f"{write_element(key.element, key.dimension)} of {name}"
                report.expect(f"{what} on the shop", await systems.on_shop(key), value)
                report.expect(f"{what} on the market", await systems.on_market(key), value)
                report.divided_values += 1
            report.expect(f"order of {name} in the ERP", await systems.order_in_erp(number), order_of(currency))
            status = await systems.on_shop(ElementKey(number, ORDER_STATUS, record_type=ORDER))
            report.expect(f"status of {name}'s order in the shop", status, EnumerationValue(SHIPPED))
            report.orders += 1


async def _billing(demo: DemoInstallation, services: Services, report: CheckReport) -> None:
    """Check both invoices, drafted by the worker, against the ledger's quantities."""
    msp = demo.msps[0]
    for client in msp.clients:
        async with services.db.transaction(client.scope) as session:
            await schedule_rating(session, utc_now())
    deadline = time.monotonic() + 60
    expected: dict[str, Decimal] = {}
    for client in msp.clients:
        async with services.db.transaction(client.scope) as session:
            total = (
                await session.execute(text(f"SELECT coalesce(sum(quantity), 0) FROM {USAGE_EVENTS} u"))
            ).scalar_one()
        expected[client.plan.slug] = Decimal(total)
    while True:
        async with services.db.transaction(msp.msp_account) as session:
            await schedule_total(session, utc_now())
        await asyncio.sleep(0.5)
        async with Visitor(demo.address(msp.plan.slug), demo.port) as staff:
            await staff.sign_in(msp.plan.staff[0].email, PASSWORD)
            found = await _invoices(staff, demo)
        retail = {slug: quantity for slug, (quantity, _) in found["retail"].items()}
        wholesale = sum(quantity for quantity, _ in found["wholesale"].values())
        if (retail == expected and wholesale == sum(expected.values())) or time.monotonic() > deadline:
            break
    report.expect("retail quantities", retail, expected)
    report.expect("wholesale quantity", wholesale, sum(expected.values()))
    for side, invoices in found.items():
        report.invoices |= {f"{side} {name}": str(total) for name, (_, total) in invoices.items()}


async def _invoices(staff: Visitor, demo: DemoInstallation) -> dict[str, dict[str, tuple[Decimal, Money]]]:
    """Quantity and total of all months per account and side, from the API as the MSP's administrator."""
    slugs = {str(client.scope.tenant_id): client.plan.slug for client in demo.msps[0].clients}
    slugs[str(demo.msps[0].msp_account.msp_id)] = demo.msps[0].plan.slug
    found: dict[str, dict[str, tuple[Decimal, Money]]] = {"retail": {}, "wholesale": {}}
    for invoice in (await staff.api("GET", "/invoices"))["items"]:
        detail = await staff.api("GET", f"/invoices/{invoice['id']}")
        own, slug = found[invoice["side"]], slugs[invoice["client_id"]]
        quantity, total = own.get(slug, (Decimal(0), Money(0, invoice["currency"])))
        quantity += sum(Decimal(line["quantity"]) for line in detail["lines"] if line["kind"] == "usage")
        own[slug] = quantity, Money(total.minor + invoice["total_minor"], invoice["currency"])
    return found


async def _isolation(demo: DemoInstallation, report: CheckReport) -> None:
    """Check isolation: for the other MSP's administrator, each address answers 404."""
    other, mine = demo.msps[1], demo.msps[0].clients[0].plan.slug
    async with Visitor(demo.address(other.plan.slug), demo.port) as stranger:
        await stranger.sign_in(other.plan.staff[0].email, PASSWORD)
        for page in ("overview", "changes", "approvals", "exceptions", "invoices"):
            if await stranger.status(f"/clients/{mine}/{page}") != 404:
                report.other_tenant_saw += 1
    report.expect("pages another MSP could open", report.other_tenant_saw, 0)
