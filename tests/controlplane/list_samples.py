"""Sample rows for every list, by the list's name. A new list is tested once it has a function here."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text

from billing.coupons.coupons import create_coupon, retire_coupon
from billing.coupons.schemas import CouponInput
from billing.invoices.draft import close_period
from billing.invoices.repository import NOT_FINALISED
from billing.payments.models import ProviderInvoice
from billing.periods import month_of
from billing.plans.repository import create_plan
from billing.plans.schemas import PlanInput
from billing.price_books.repository import NewPriceBook, create_price_book
from billing.sides import Side
from billing.states import InvoiceState
from billing.subscriptions.acts import subscribe
from billing.subscriptions.schemas import SubscriptionInput
from billing.usage.meters import create_meter
from billing.usage.report import report_usage
from billing.usage.schemas import NewMeter, UsageEventInput
from billing.vendor_bills.bills import store_bill_rows
from billing.vendor_bills.mappings import set_mapping
from billing.vendor_bills.schemas import MappingInput, MappingKind, VendorBillInput, VendorLineInput
from billing.vendor_bills.uploads import create_upload
from canonical.elements import PRICE
from foundation.audit.chain import append_audit
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.usage.meters import Meters
from governance.baseline.models import Baseline
from governance.changes.queries import ANY
from governance.elements.models import CustomElement, ElementContract
from governance.exception_types import ExceptionType
from governance.onboarding.client_templates.content import TemplateConnection, TemplateContent
from governance.onboarding.client_templates.save import create_template, save_version
from governance.onboarding.client_templates.store import load_version
from governance.onboarding.create_client import create_client as start_onboarding
from governance.playbooks.content import PlaybookContent, PlaybookTask
from governance.playbooks.queries import find_project
from governance.playbooks.save_playbook import save_playbook
from governance.playbooks.schemas import PlaybookView, TaskInput
from governance.playbooks.work import change_task, start_project
from governance.retention.models import RetentionPurge
from policy.cache import PolicyCache
from policy.inheritance import omit
from policy.publishing import publish_rules
from policy.rules import PolicyRule, RuleKind
from tenants.accounts import create_client, suspend_client
from tenants.auth.api_keys import NewApiKey, create_api_key, revoke_api_key
from tenants.client_input import ClientInput
from tenants.delegated_access.manage import NewAccessRequest, answer_access, request_access
from tenants.mail.mail_types import TEST
from tenants.mail.mailer import Mailer, Portal, Recipient
from tenants.mail.states import MailState
from tenants.members.repository import NewMember, create_invite, create_member
from tenants.principal import Principal
from tenants.secrets import new_secret
from tests.billing.conftest import START, Market, uses
from tests.governance.pages.samples import Sample
from tests.support.client_env import ClientEnv
from webhooks.models import WebhookEndpoint
from webhooks.states import EndpointState

Matches = Mapping[str, Collection[str]]
"""By filter, the values with which the list shows the added row. Any other value leaves it out, except an empty one."""


@dataclass
class Rows:
    """One client, whose rows are named after `tag`: where allowed, a text that a spreadsheet would execute."""

    env: ClientEnv
    tag: str

    @property
    def db(self) -> Database:
        return self.env.services.db

    @property
    def sample(self) -> Sample:
        sample = Sample(self.db, self.env.scope, utc_now())
        sample.source, sample.channels = self.env.erp, self.env.channels
        sample.partners = dict.fromkeys(self.env.channels.values())
        return sample

    @property
    def own(self) -> dict[str, UUID]:
        return {"tenant_id": self.env.scope.tenant_id, "msp_id": self.env.scope.msp_id}

    def name(self, number: int) -> str:
        return f"={self.tag}{number:03}"


async def add_change(rows: Rows, number: int) -> Matches:
    channel, name = next(iter(rows.env.channels)), rows.name(number)
    state = "released" if number % 2 else "refused"
    states = {channel: "verified"} if number % 2 else {channel: "refused"}
    await rows.sample.change(name, 1000 + number, 1040, state=state, states=states, currency="USD")
    return {
        "search": [name], "status": [state], "element": [PRICE], "key": [name], "record": [name, f"{name}*"],
        "dimension": [ANY], "record_type": ["product"],
    }  # fmt: skip


async def add_approval(rows: Rows, number: int) -> Matches:
    await rows.sample.awaiting(rows.name(number), 1000, 2000 + number)
    return {"status": ["pending"]}


async def add_exception(rows: Rows, number: int) -> Matches:
    """Every other exception is about a price."""
    code = ExceptionType.CHANGE_REFUSED if number % 2 else ExceptionType.SOURCE_QUARANTINED
    record = rows.name(number) if number % 2 else None
    await rows.sample.exception(code, rows.name(number), exposure=number % 3 * 900, at=300 + number % 2, record=record)
    return {
        "status": ["open"], "code": [code], "domain": ["price" if number % 2 else "none"],
        "owner": ["Pricing"] if number % 2 else [],
    }  # fmt: skip


async def add_inbox_item(rows: Rows, number: int) -> Matches:
    """Exceptions and approvals alternate. Exceptions are escalated."""
    if number % 2:
        await add_exception(rows, number)
    else:
        await add_approval(rows, number)
    async with rows.db.transaction(rows.env.scope) as session:
        slug = await session.scalar(text("SELECT slug FROM client"))
        await session.execute(
            text("""
                INSERT INTO escalation (tenant_id, msp_id, id, about, subject_id, after_minutes, role, least_severity,
                                        due_at, reached_at, notified)
                SELECT tenant_id, msp_id, gen_random_uuid(), 'exception', id, 60, 'client_admin', 0, now(), now(), '[]'
                  FROM governance_exception ON CONFLICT DO NOTHING
            """)
        )
    kind, escalated = ("exception", ["yes"]) if number % 2 else ("approval", [])
    return {"kind": [kind], "client": [str(slug)], "escalated": escalated}


async def add_letter(rows: Rows, number: int) -> Matches:
    await rows.sample.letter(rows.name(number), at=900 + number % 2)
    return {"status": ["open"]}


async def add_entry(rows: Rows, number: int) -> Matches:
    """Each entry is of a different day."""
    name, days = rows.name(number), [datetime(2026, 3, day, tzinfo=UTC) for day in range(1, 29)]
    dates = [f"{day:%Y-%m-%d}" for day in days]
    action = "change.tested" if number % 2 else "exception.tested"
    async with rows.db.transaction(rows.env.scope) as session:
        append_audit(session, action=action, subject=name, data={"n": number}, at=days[number])
    return {
        "about": [name], "actor": [rows.env.scope.actor.name], "action": [action, action.partition(".")[0]],
        "kind": ["decisions" if number % 2 else "exceptions"], "subject": [name],
        "since": dates[: number + 1], "until": dates[number:],
    }  # fmt: skip


async def add_baseline(rows: Rows, number: int) -> None:
    now = utc_now()
    await rows.sample.add(
        Baseline(
            **rows.own,
            id=new_id(),
            state="discarded",
            started_at=now,
            started_by=rows.name(number),
            decided_at=now,
            decided_by=rows.name(number),
        )
    )


async def add_connection(rows: Rows, number: int) -> Matches:
    await rows.sample.connection(rows.name(number))
    return {"search": [rows.name(number)], "environment": ["live"]}


async def add_contract(rows: Rows, number: int) -> Matches:
    element, selector = f"price.{rows.tag.lower()}{number}", f"record_key={rows.tag}{number}-*"
    await rows.sample.add(
        ElementContract(
            **rows.own, element=element, selector=selector, source_connection_id=None,
            owner=rows.name(number), workflow="policy", propagation_slo_ms=30_000, correction_slo_ms=60_000,
            approval_ttl_s=3_600, version=1, published_at=utc_now(),
        )
    )  # fmt: skip
    return {"element": [element], "selector": [selector]}


async def add_element(rows: Rows, number: int) -> Matches:
    await rows.sample.add(
        CustomElement(
            **rows.own, code=f"custom.{rows.tag.lower()}{number:03}", label=rows.name(number), domain="product",
            record_type="product", value_type="text", dimensions=[], codes=[], distributed=False,
            created_at=utc_now(), created_by="Ada", retired_at=utc_now() if number % 2 else None,
        )
    )  # fmt: skip
    return {"show": ["retired" if number % 2 else "current"]}


async def add_client(rows: Rows, number: int) -> Matches:
    account = rows.env.msp_account
    slug = f"{rows.tag.lower()}-{number}-{new_id().hex[-6:]}"
    async with rows.db.transaction(account.for_tenant(new_id())) as session:
        await create_client(session, name=rows.name(number), slug=slug, currency="EUR", now=utc_now())
        if number % 2:
            await suspend_client(session, reason="Tested.", now=utc_now())
    return {"status": ["suspended" if number % 2 else "active"], "show": ["healthy"], "search": [rows.name(number)]}


async def add_override(rows: Rows, number: int) -> Matches:
    """A client that replaces the MSP's rule, or omits it."""
    scope = rows.env.msp_account.for_tenant(new_id())
    name, slug = rows.name(number), f"{rows.tag.lower()}-{number}-{new_id().hex[-6:]}"
    base = PolicyRule(id=f"rule-{number}", ptype=RuleKind.GOVERNANCE, sub="*", dom="", obj=PRICE, act="refuse")
    async with rows.db.transaction(scope) as session:
        await create_client(session, name=name, slug=slug, currency="EUR", now=utc_now())
        own = omit(base) if number % 2 else replace(base, act="review", overrides=base)
        await publish_rules(
            session, scope, rules=[replace(own, dom=str(scope.tenant_id))], clock=utc_now, new_id=new_id
        )
    return {"override": ["omits" if number % 2 else "replaces"], "search": [name]}


async def add_onboarding(rows: Rows, number: int) -> Matches:
    """Every other client is being onboarded; the rest were created before onboarding existed."""
    slug = f"{rows.tag.lower()}-{number}-{new_id().hex[-6:]}"
    scope = rows.env.msp_account.for_tenant(new_id())
    if number % 2:
        new = ClientInput(name=rows.name(number), slug=slug, currency="EUR")
        await start_onboarding(rows.db, scope, new, clock=utc_now, new_id=new_id)
        return {"status": ["open"], "step": ["client"]}
    async with rows.db.transaction(scope) as session:
        await create_client(session, name=rows.name(number), slug=slug, currency="EUR", now=utc_now())
    return {"status": ["live"], "step": ["live"]}


async def add_template(rows: Rows, number: int) -> Matches | None:
    async with rows.db.transaction(rows.env.msp_account) as session:
        await create_template(
            session, name=f"{rows.name(number)} {number}", content=TemplateContent(), now=utc_now(), new_id=new_id
        )
    return None


async def add_template_client(rows: Rows, number: int) -> Matches:
    """A client with the first version of a template; every other template has a second one."""
    account = rows.env.msp_account
    name = f"{rows.name(number)} {number}"
    async with rows.db.transaction(account) as session:
        template_id = await create_template(session, name=name, content=TemplateContent(), now=utc_now(), new_id=new_id)
        version = await load_version(session, template_id)
    slug = f"{rows.tag.lower()}-{number}-{new_id().hex[-6:]}"
    new = ClientInput(name=rows.name(number), slug=slug, currency="EUR")
    scope = account.for_tenant(new_id())
    await start_onboarding(rows.db, scope, new, clock=utc_now, new_id=new_id, template=version)
    if number % 2:
        content = TemplateContent(connections=[TemplateConnection("ERP", "sandbox-erp")])
        async with rows.db.transaction(account) as session:
            await save_version(session, template_id, content, now=utc_now())
    return {"status": ["behind" if number % 2 else "current"], "drift": ["same"], "template": [name]}


async def add_playbook(rows: Rows, number: int) -> Matches | None:
    content = PlaybookContent([PlaybookTask(phase="One", task="Begin", days=1)])
    async with rows.db.transaction(rows.env.msp_account) as session:
        name = f"{rows.name(number)} {number}"
        await save_playbook(session, name=name, content=content, now=utc_now(), new_id=new_id)
    return None


async def add_stuck_task(rows: Rows, number: int) -> Matches:
    """A task of another client, which is overdue."""
    scope = rows.env.msp_account.for_tenant(new_id())
    slug = f"{rows.tag.lower()}-{number}-{new_id().hex[-6:]}"
    async with rows.db.transaction(scope) as session:
        await create_client(session, name=rows.name(number), slug=slug, currency="EUR", now=utc_now())
        content = PlaybookContent(
            [PlaybookTask(phase="One", workstream=f"Stream {number}", task=rows.name(number), days=number)]
        )
        playbook = PlaybookView(
            id=new_id(), name="P", revision=1, changed_at=utc_now(), changed_by="Ada", content=content
        )
        await start_project(session, playbook, starts_on=date(2026, 1, 5), now=utc_now(), new_id=new_id)
        project = await find_project(session, today=date(2026, 1, 5))
        assert project is not None
        owner = f"Owner {number}"
        await change_task(session, project.phases[0].tasks[0].id, TaskInput(owner=owner), now=utc_now())
    return {"problem": ["overdue", "any"], "workstream": [f"Stream {number}"], "owner": [owner.upper()]}


async def add_member(rows: Rows, number: int) -> Matches:
    async with rows.db.transaction(rows.env.scope) as session:
        new = NewMember(new_id(), f"{rows.tag.lower()}{number:03}@example.com", rows.name(number))
        await create_member(session, new, now=utc_now())
        await create_invite(session, new_secret, member_id=new.id, now=utc_now())
    return {"search": [new.name, new.email.upper()], "status": ["invited"]}


async def add_key(rows: Rows, number: int) -> Matches:
    new = NewApiKey(new_id(), rows.name(number), "machine")
    async with rows.db.transaction(rows.env.scope) as session:
        await create_api_key(session, new_secret, new, now=utc_now())
        if number % 2:
            await revoke_api_key(session, key_id=new.id, now=utc_now())
    return {"status": ["revoked" if number % 2 else "active"]}


async def add_access(rows: Rows, number: int) -> Matches:
    staff = Principal("member", new_id(), rows.name(number), rows.env.scope.msp_id, rows.env.scope.msp_id)
    wanted = NewAccessRequest("client_viewer", rows.name(number), 4)
    async with rows.db.transaction(rows.env.scope) as session:
        index = await rows.env.services.get(PolicyCache).index_for(session, rows.env.scope)
        asked = await request_access(session, staff, wanted, index=index, now=utc_now(), new_id=new_id)
        if number % 2:
            await answer_access(session, None, asked.id, grant=False, now=utc_now())
    return {"status": ["refused" if number % 2 else "requested"]}


async def add_mail(rows: Rows, number: int) -> Matches:
    mailer, to = rows.env.services.get(Mailer), Recipient(f"{rows.tag.lower()}{number:03}@example.com", "Mia", "en")
    async with rows.db.transaction(rows.env.scope) as session:
        await mailer.queue(
            session, TEST, to, portal=Portal("", None), now=utc_now(), account="A", name=rows.name(number)
        )
    return {"search": [to.email.upper()], "status": [MailState.QUEUED]}


async def add_invoice(rows: Rows, number: int) -> Matches:
    """A month of usage with its draft. The tag is not in the price book."""
    market = Market(rows.db, rows.env.msp_account, rows.env.scope, now=START + timedelta(days=31 * number))
    if number == 1:
        await market.open_book(Side.RETAIL, "USD", own=True)
        await market.price(Side.RETAIL, "0.10", at=START - timedelta(days=900), own=True)
    at = START - timedelta(days=31 * number)
    await market.use(*uses(2 + number, at=at))
    assert await market.rate(Side.RETAIL, month_of(at)) is not None
    return {"status": [InvoiceState.DRAFT, NOT_FINALISED], "side": [Side.RETAIL]}


async def add_payment_difference(rows: Rows, number: int) -> None:
    """An invoice that Stripe has with another total."""
    market = Market(rows.db, rows.env.msp_account, rows.env.scope, now=START + timedelta(days=31 * number))
    if number == 1:
        await market.open_book(Side.RETAIL, "USD", own=True)
        await market.price(Side.RETAIL, "0.10", at=START - timedelta(days=900), own=True)
    at = START - timedelta(
        days=31 * (28 - number)
    )  # months are closed one after the other, and before that of `add_invoice`
    await market.use(*uses(2 + number, at=at))
    period = month_of(at)
    async with rows.db.transaction(rows.env.scope) as session:
        closed = await close_period(session, side=Side.RETAIL, period=period, now=utc_now())
        session.add(
            ProviderInvoice(
                **rows.own, invoice_id=closed.id, account_id=rows.env.scope.msp_id, provider="stripe",
                external_id=rows.name(number), status="open", settled_before_minor=0, total_minor=-1,
                created_at=utc_now() - timedelta(minutes=number),
            )
        )  # fmt: skip


async def add_price(rows: Rows, number: int) -> Matches:
    market = Market(rows.db, rows.env.msp_account, rows.env.scope, now=START)
    if number == 1:
        await market.open_book(Side.RETAIL, "USD", own=True)
    else:
        async with rows.db.transaction(rows.env.msp_account) as session:
            found = await session.scalar(text("SELECT id FROM price_book WHERE side = 'retail'"))
            market.books[Side.RETAIL, rows.env.scope.tenant_id] = found
    await market.price(Side.RETAIL, "0.10", meter=f"{rows.tag.lower()}.{number}", own=True)
    return {"side": [Side.RETAIL]}


async def add_price_book(rows: Rows, number: int) -> None:
    book = NewPriceBook(Side.RETAIL, "USD", rows.name(number), new_id())
    async with rows.db.transaction(rows.env.msp_account) as session:
        await create_price_book(session, book, now=utc_now(), new_id=new_id)


async def add_coupon(rows: Rows, number: int) -> Matches:
    code = f"{rows.tag}-{number:03}".upper()
    async with rows.db.transaction(rows.env.msp_account) as session:
        new = CouponInput(code=code, name=rows.name(number), percent=Decimal(10))
        await create_coupon(session, new, now=utc_now(), new_id=new_id)
        if number % 2:
            await retire_coupon(session, code, now=utc_now())
    return {"show": ["retired" if number % 2 else "active"]}


async def add_subscription(rows: Rows, number: int) -> Matches:
    market = Market(rows.db, rows.env.msp_account, rows.env.scope, now=START)
    if number == 1:
        await market.open_book(Side.RETAIL, "USD", own=True)
    plan = PlanInput(code=f"plan-{number}", name=rows.name(number), currency="USD", fee=Decimal(number))
    async with rows.db.transaction(rows.env.msp_account) as session:
        await create_plan(session, plan, now=utc_now(), new_id=new_id)
    async with rows.db.transaction(rows.env.scope) as session:
        await subscribe(session, "UTC", SubscriptionInput(plan=plan.code), now=utc_now(), new_id=new_id)
    return {}


async def add_reported_usage(rows: Rows, number: int) -> Matches:
    code, source, event_id = f"{rows.tag}{number:03}", rows.name(number), rows.name(number)
    used = UsageEventInput(id=event_id, meter=code, occurred_at=utc_now(), dimensions={rows.tag: rows.name(number)})
    async with rows.db.transaction(rows.env.msp_account) as session:
        await create_meter(session, Meters([]), NewMeter(code, rows.name(number), rows.tag), now=utc_now())
    async with rows.db.transaction(rows.env.scope) as session:
        await report_usage(session, source, [used], now=utc_now(), new_id=new_id)
    return {"meter": [code], "source": [source], "event_id": [event_id], "show": []}


def _vendor_line(rows: Rows, number: int) -> VendorLineInput:
    name = rows.name(number)
    return VendorLineInput(
        vendor=name, bill_number=name, line="1", client_id=name, client_name=name, product_code=f"{name} seat",
        description=name, quantity=Decimal(number), amount=Decimal(number), currency="EUR",
    )  # fmt: skip


def _month(rows: Rows, number: int) -> str:
    years, month = divmod(number - 1, 12)
    return f"{(2027 if rows.tag == 'MINE' else 2047) + years}-{month + 1:02}"


async def add_vendor_bill(rows: Rows, number: int) -> Matches:
    month, name = _month(rows, number), rows.name(number)
    async with rows.db.transaction(rows.env.msp_account) as session:
        bill = VendorBillInput(month=month, lines=[_vendor_line(rows, number)])
        await store_bill_rows(session, bill, now=utc_now(), new_id=new_id)
    return {"month": [month], "vendor": [name], "show": []}


async def add_vendor_bill_line(rows: Rows, number: int) -> Matches:
    await add_vendor_bill(rows, number)
    name = rows.name(number)
    return {
        "month": [_month(rows, number)], "vendor": [name], "number": [name], "client_key": [name],
        "product_code": [f"{name} seat"], "status": ["unmapped"],
    }  # fmt: skip


async def _map_vendor(rows: Rows, number: int, kind: MappingKind, key: str) -> Matches:
    await add_vendor_bill(rows, number)
    name, ignored = rows.name(number), number % 2
    if ignored:
        wanted = MappingInput(kind=kind, vendor=name, key=key, ignore=True)
        async with rows.db.transaction(rows.env.msp_account) as session:
            await set_mapping(session, Meters([]), wanted, client_id=None, now=utc_now())
    return {"status": ["ignored" if ignored else "unmapped"], "vendor": [name], "key": [key]}


async def add_vendor_client(rows: Rows, number: int) -> Matches:
    return await _map_vendor(rows, number, MappingKind.CLIENT, rows.name(number))


async def add_vendor_product(rows: Rows, number: int) -> Matches:
    return await _map_vendor(rows, number, MappingKind.PRODUCT, f"{rows.name(number)} seat")


async def add_vendor_upload(rows: Rows, number: int) -> Matches:
    month, name = _month(rows, number), rows.name(number)
    file = f"bill_number,customer,sku,qty,amount,currency\n{name},{name},{name},x,1,EUR\n".encode()
    async with rows.db.transaction(rows.env.msp_account) as session:
        await create_upload(session, file, month=month, vendor=name, now=utc_now(), new_id=new_id)
    return {"month": [month], "show": ["wrong"]}


async def add_purge(rows: Rows, number: int) -> None:
    await rows.sample.add(
        RetentionPurge(
            **rows.own, id=new_id(), data_class="changes", table_name=rows.name(number), before=utc_now(),
            removed=number, kept=0, partition="", purged_at=utc_now(),
        )
    )  # fmt: skip


async def add_webhook(rows: Rows, number: int) -> Matches:
    state = EndpointState.PAUSED if number % 2 else EndpointState.ACTIVE
    await rows.sample.add(
        WebhookEndpoint(
            **rows.own, id=new_id(), url=f"https://hooks.example.com/{number}", description=rows.name(number),
            event_types=["change.released"], state=state, created_at=utc_now(), created_by="Ada",
            paused_at=utc_now() if number % 2 else None,
        )
    )  # fmt: skip
    return {"status": [state]}


SAMPLES: dict[str, Callable[[Rows, int], Awaitable[Matches | None]]] = {
    "access": add_access,
    "approvals": add_approval,
    "api-keys": add_key,
    "audit": add_entry,
    "baselines": add_baseline,
    "changes": add_change,
    "channel-changes": add_change,
    "channel-values": add_change,
    "client-templates": add_template,
    "clients": add_client,
    "connections": add_connection,
    "contracts": add_contract,
    "coupons": add_coupon,
    "dead-letters": add_letter,
    "elements": add_element,
    "exceptions": add_exception,
    "fleet": add_client,
    "inbox": add_inbox_item,
    "invitations": add_member,
    "invoices": add_invoice,
    "mails": add_mail,
    "members": add_member,
    "onboardings": add_onboarding,
    "onboarding-tasks": add_stuck_task,
    "payment-differences": add_payment_difference,
    "playbooks": add_playbook,
    "policy-overrides": add_override,
    "price-books": add_price_book,
    "prices": add_price,
    "purges": add_purge,
    "reported-usage": add_reported_usage,
    "subscriptions": add_subscription,
    "template-clients": add_template_client,
    "vendor-bills": add_vendor_bill,
    "vendor-bill-lines": add_vendor_bill_line,
    "vendor-clients": add_vendor_client,
    "vendor-products": add_vendor_product,
    "vendor-uploads": add_vendor_upload,
    "webhook-endpoints": add_webhook,
}
ELSEWHERE = {
    "attempts": "tests/controlplane/test_canary.py: its address names a change",
    "compared-values": "tests/governance/baseline/test_pages.py: its address names a baseline",
    "notifications": "tests/controlplane/test_notifications.py: each reader sees their own",
    "replay-differences": "tests/governance/pages/test_policies.py: its address names a replay",
    "webhook-deliveries": "tests/webhooks/test_sending.py: its address names an endpoint",
    "usage-events": "tests/billing/test_pages.py: its address names a line",
}
