"""The main use case on real systems.

A value saved in a real Tryton is visible to a shopper of a real Vendure, and billed; an order of the shop becomes a
sale in Tryton, and its status is returned.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from billing.invoices.repository import load_invoice
from billing.jobs import schedule_rating, schedule_total
from billing.price_books.pricing import Terms
from billing.price_books.repository import NewPrice, NewPriceBook, create_price_book, set_price
from billing.sides import Side
from canonical.dimensions import dimension
from canonical.elements import COST, DESCRIPTION, NAME, ORDER_DOCUMENT, ORDER_STATUS, PRICE, STOCK
from canonical.keys import ElementKey
from canonical.values import MoneyValue, money
from connectors.poll_job import schedule_poll
from connectors.ports import ConnectionConfig
from controlplane.provisioning import NewConnection, connect, publish_contracts
from controlplane.services import Services
from foundation.audit.chain import verify_chain
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from governance.approvals.release import answer_change
from governance.changes.propose import propose_change
from governance.connections.pause import pause_connection
from governance.elements.publish_contract import publish_contract
from governance.propagation.meters import VERIFIED_DELIVERIES
from tests.billing.conftest import listed
from tests.conftest import Urls
from tests.connectors.running import RunningSandbox
from tests.real.installing import GOODS
from tests.real.shopping import Cart, order_state
from tests.real.tryton import RunningTryton, running_tryton
from tests.real.vendure import RunningVendure, running_vendure
from tests.support.client_env import ClientEnv, build_client_env

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

VERIFIED = "SELECT count(*) FROM propagation WHERE state = 'verified'"
ALL_VERIFIED = "SELECT count(*) = 0 FROM propagation WHERE state <> 'verified'"
RETAIL, WHOLESALE = Decimal("0.50"), Decimal("0.20")
TEXTS = {"en": ("Mug", "Plain & sturdy"), "de": ("Becher", "Aus Ton"), "fr": ("Gobelet", "En argile")}


@pytest.fixture(scope="module")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTryton]:
    with running_tryton(tmp_path_factory.mktemp("tryton")) as server:
        yield server


@pytest.fixture(scope="module")
def vendure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVendure]:
    with running_vendure(tmp_path_factory.mktemp("vendure")) as shop:
        yield shop


@dataclass
class Trade:
    """A client whose ERP is Tryton and whose shop is Vendure. `env.erp` is a second system that owns nothing."""

    env: ClientEnv
    erp: UUID
    shop: UUID

    async def poll(self, connection: UUID | None = None) -> None:
        """Poll the ERP, or another connection, as the timer does; then run all jobs until pushed values are read
        back.
        """
        async with self.env.services.db.transaction(self.env.scope) as session:
            await schedule_poll(session, connection or self.erp, at=utc_now())
        await self.env.work(until=ALL_VERIFIED)

    async def answer_waiting(self) -> int:
        waiting = await self.env.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
        scope = self.env.scope
        ada = Scope(scope.msp_id, scope.tenant_id, Actor("member", str(new_id()), "Ada"))
        async with self.env.services.db.transaction(ada) as session:
            for (change_id,) in waiting:
                assert isinstance(change_id, UUID)
                await answer_change(session, change_id, grant=True, reason="Agreed.", now=utc_now())
        await self.env.work(until=ALL_VERIFIED)
        return len(waiting)

    async def propose_prices(self, sku: str, own: MoneyValue, other: MoneyValue) -> None:
        """Propose two prices as a member: one without a currency of its own, and one of another currency."""
        divided = ElementKey(sku, PRICE, dimension(currency=other.currency))
        async with self.env.services.db.transaction(self.env.scope) as session:
            for key, value in ((ElementKey(sku, PRICE), own), (divided, other)):
                await propose_change(session, self.env.services.governance, key=key, value=value)

    async def change(self, sku: str, element: str) -> tuple[object, ...]:
        """(new amount, outcome, rule, state) of the newest change."""
        rows = await self.env.rows(
            "SELECT minor(new_value), outcome, rule_id, state FROM change WHERE record_key = :sku AND element = :e"
            " ORDER BY proposed_at DESC LIMIT 1",
            sku=sku,
            e=element,
        )
        return rows[0]

    async def status(self, code: str) -> object:
        """An order's status, as last read back from the shop."""
        rows = await self.env.rows(
            "SELECT value->>'code' FROM channel_value WHERE connection_id = :c AND record_key = :code AND element = :e",
            c=self.shop,
            code=code,
            e=ORDER_STATUS,
        )
        return rows[0][0]

    async def seen(self, sku: str, element: str) -> object:
        """The values last read back from the shop."""
        rows = await self.env.rows(
            "SELECT minor(value) FROM channel_value WHERE connection_id = :c AND record_key = :sku AND element = :e",
            c=self.shop,
            sku=sku,
            e=element,
        )
        return rows[0][0]


@pytest.fixture
async def bare_env(
    services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox
) -> AsyncIterator[ClientEnv]:
    built = await build_client_env(services, relay_db, urls.intake, sandbox, channels=0)
    yield built
    await built.close()


@pytest.fixture
async def trade(bare_env: ClientEnv, tryton: RunningTryton, vendure: RunningVendure) -> Trade:
    env, services = bare_env, bare_env.services
    await _price(env, Side.RETAIL, RETAIL)
    await _price(env, Side.WHOLESALE, WHOLESALE)
    erp = await connect(services, env.scope, _connection("Tryton", "tryton", tryton.connection()))
    shop = await connect(services, env.scope, _connection("Shop", "vendure", vendure.connection()))
    await publish_contracts(services, env.scope, erp, propagation_slo=timedelta(minutes=1))
    return Trade(env, erp, shop)


def _connection(name: str, kind: str, config: ConnectionConfig) -> NewConnection:
    return NewConnection(kind, name, config.base_url, config.settings, config.secrets)


async def _price(env: ClientEnv, side: Side, price: Decimal) -> None:
    since = utc_now() - timedelta(days=1)
    async with env.services.db.transaction(env.msp_account) as session:
        book = await create_price_book(session, NewPriceBook(side, "USD", "Standard"), now=since, new_id=new_id)
        line = NewPrice(VERIFIED_DELIVERIES.name, "Values made visible", Terms(unit_price=price), since)
        await set_price(session, book, price=line, now=since, new_id=new_id)


async def test_from_a_saved_price_to_a_shoppers_page_and_a_draft_invoice(
    trade: Trade, tryton: RunningTryton, vendure: RunningVendure, other_env: ClientEnv
) -> None:
    started = utc_now()
    await trade.poll()
    assert await trade.env.rows("SELECT count(*) FROM source_event WHERE via = 'poll'") == [(len(GOODS),)]
    assert await trade.answer_waiting() == len(GOODS)
    assert await trade.env.rows(VERIFIED) == [(2 * len(GOODS),)]

    tryton.set_list_price("SKU-003", Decimal("13.50"))
    await trade.poll()
    assert await trade.change("SKU-003", PRICE) == (1350, "auto", "price-small-change", "released")
    assert vendure.shopper_price("SKU-003") == await trade.seen("SKU-003", PRICE) == 1350
    await trade.poll()
    kept = await trade.env.rows("SELECT count(*) FROM source_event")
    await trade.poll()  # reads the same minutes again, and finds nothing new
    assert await trade.env.rows("SELECT count(*) FROM source_event") == kept

    tryton.set_list_price("SKU-004", Decimal("20.00"))
    await trade.poll()
    assert await trade.change("SKU-004", PRICE) == (2000, "review", "price-large-change", "awaiting_approval")
    assert vendure.shopper_price("SKU-004") == 1400
    assert await trade.answer_waiting() == 1
    assert vendure.shopper_price("SKU-004") == await trade.seen("SKU-004", PRICE) == 2000

    tryton.set_list_price("SKU-005", Decimal("3.00"))
    await trade.poll()
    assert await trade.change("SKU-005", PRICE) == (300, "refuse", "price-below-cost", "refused")
    assert vendure.shopper_price("SKU-005") == 1500
    assert await trade.env.rows("SELECT code FROM governance_exception WHERE state = 'open'") == [("change.refused",)]

    assert vendure.shopper_stock("SKU-006") == "IN_STOCK"
    tryton.set_stock("SKU-006", 0)
    tryton.set_stock("SKU-007", 42)
    await trade.poll()
    assert await trade.change("SKU-006", STOCK) == (0, "auto", "stock-change", "released")
    assert vendure.shopper_stock("SKU-006") == "OUT_OF_STOCK"
    assert await trade.seen("SKU-007", STOCK) == 42

    verified = 2 * len(GOODS) + 4
    assert await trade.env.rows(VERIFIED) == [(verified,)]
    assert await trade.env.rows("SELECT count(*) FROM propagation") == [(verified,)]
    await _is_billed(trade, verified, since=started)
    await _is_nobody_elses(trade, other_env)


async def _is_billed(trade: Trade, verified: int, *, since: datetime) -> None:
    """Check both sides: each line lists as many events as there were verified values."""
    db, scope, msp_account = trade.env.services.db, trade.env.scope, trade.env.msp_account
    async with db.transaction(scope) as session:
        await schedule_rating(session, since)
    await trade.env.work()
    async with db.transaction(msp_account) as session:
        await schedule_total(session, since)
    await replace(trade.env, scope=msp_account).work()
    async with db.transaction(scope) as session:
        [retail] = await listed(session)
        [line] = (await load_invoice(session, retail.id)).lines
        verdict = await verify_chain(session)
    assert (retail.side, retail.state, retail.total_minor) == (Side.RETAIL, "draft", int(verified * RETAIL * 100))
    assert (int(line.quantity), line.events) == (verified, verified)
    async with db.transaction(msp_account.for_fleet()) as session:
        [wholesale] = await listed(session, side=Side.WHOLESALE)
    assert wholesale.total_minor == int(verified * WHOLESALE * 100)
    assert verdict.broken_at is None


async def _is_nobody_elses(trade: Trade, other_env: ClientEnv) -> None:
    for table in ("source_event", "record_value", "change", "propagation", "channel_value", "usage_event", "invoice"):
        assert (await trade.env.rows(f"SELECT count(*) FROM {table}"))[0][0], table
        found = f"SELECT count(*) FROM {table} WHERE tenant_id = :t"
        assert await other_env.rows(found, t=trade.env.scope.tenant_id) == [(0,)], table


async def test_values_owned_by_the_erp_cannot_be_changed_elsewhere(
    trade: Trade, tryton: RunningTryton, vendure: RunningVendure
) -> None:
    tryton.set_list_price("SKU-010", Decimal("20.00"))
    await trade.poll()
    await trade.answer_waiting()
    held = tryton.search("product.product", [["code", "=", "SKU-010"]], ["list_price_used"])
    before = await trade.env.rows("SELECT count(*) FROM propagation")
    await trade.env.deliver(trade.env.change("SKU-010", PRICE, 99), trade.env.change("SKU-010", COST, 1))
    await trade.env.work(settle=0.5)
    second = "SELECT code, element, state FROM governance_exception WHERE record_key = 'SKU-010' ORDER BY element"
    assert await trade.env.rows(second) == [
        ("channel.drift", COST, "open"),
        ("channel.drift", PRICE, "open"),
    ]
    assert await trade.env.rows("SELECT count(*) FROM propagation") == before
    assert vendure.shopper_price("SKU-010") == 2000
    assert tryton.search("product.product", [["code", "=", "SKU-010"]], ["list_price_used"]) == held
    connector = trade.env.services.registry["tryton"]
    assert not connector.accepts(ElementKey("SKU-010", PRICE))
    assert connector.writes == [ORDER_DOCUMENT]


async def test_prices_stock_texts_and_orders_are_all_read_back(
    bare_env: ClientEnv, tryton: RunningTryton, vendure: RunningVendure, other_env: ClientEnv
) -> None:
    """Two currencies, two warehouses, three languages, and an order from the shop to the ERP with its status back."""
    trade = await _trade_in_everything(bare_env, tryton, vendure)
    tryton.set_stock("SKU-011", 31)
    tryton.set_stock("SKU-011", 7, warehouse="HAM")
    for language, (name, description) in TEXTS.items():
        tryton.set_text("SKU-011", language, name, description)
    await trade.propose_prices("SKU-011", money("12.5", "USD"), money("11.9", "EUR"))
    await trade.poll()
    await trade.answer_waiting()
    assert [vendure.shopper_price("SKU-011", currency) for currency in ("USD", "EUR")] == [1250, 1190]
    levels = {each["stockLocation"]["name"]: each["stockOnHand"] for each in vendure.variant("SKU-011")["stockLevels"]}
    assert (levels["WH"], levels["HAM"]) == (31, 7)
    shown = {language: vendure.shopper_texts("SKU-011", language) for language in TEXTS}
    assert shown == TEXTS | {"en": ("Mug", "Plain &amp; sturdy")}
    await _goes_to_the_erp_and_back(trade, tryton, vendure)
    assert await trade.env.rows(ALL_VERIFIED) == [(True,)]
    assert await trade.env.exceptions("state = 'open' AND e.code LIKE 'propagation.%'") == []
    seen = "SELECT element, dimension FROM channel_value WHERE connection_id = :c AND record_key = 'SKU-011'"
    assert set(await trade.env.rows(seen, c=trade.shop)) == {
        (PRICE, ""), (PRICE, "currency=EUR"), (STOCK, "location=WH"), (STOCK, "location=HAM"),
        *[(element, f"locale={language}") for element in (NAME, DESCRIPTION) for language in TEXTS],
    }  # fmt: skip
    sent = "SELECT count(*) FROM propagation WHERE tenant_id = :t"
    assert await other_env.rows(sent, t=trade.env.scope.tenant_id) == [(0,)]


async def _goes_to_the_erp_and_back(trade: Trade, tryton: RunningTryton, vendure: RunningVendure) -> None:
    code = Cart(vendure, {"SKU-011": 2}).pay()
    await trade.poll(trade.shop)
    [sale] = tryton.search("sale.sale", [["reference", "=", code]], ["state", "untaxed_amount"])
    assert (sale["state"], sale["untaxed_amount"]["decimal"]) == ("processing", "30.00"), "two mugs, and delivery"
    await trade.poll()
    assert (await trade.status(code), order_state(vendure, code)) == ("confirmed", "PaymentSettled")
    tryton.pack(code)
    tryton.ship(code)
    await trade.poll()
    assert (await trade.status(code), order_state(vendure, code)) == ("shipped", "Shipped")


async def _trade_in_everything(env: ClientEnv, tryton: RunningTryton, vendure: RunningVendure) -> Trade:
    """Tryton owns stock, texts and the status of orders, Vendure the orders. Members set prices. The sandbox ERP, which
    would accept orders too, is paused.
    """
    for name in ("WH", "HAM"):
        vendure.add_location(name)
    erp = tryton.connection(stock_per_warehouse="yes", texts="yes")
    shop = vendure.connection(orders_since=f"{utc_now():%Y-%m-%d}")
    trade = Trade(
        env,
        await connect(env.services, env.scope, _connection("Tryton", "tryton", erp)),
        await connect(env.services, env.scope, _connection("Shop", "vendure", shop)),
    )
    owned: dict[str, UUID | None] = dict.fromkeys((STOCK, NAME, DESCRIPTION, ORDER_STATUS), trade.erp)
    owned |= {ORDER_DOCUMENT: trade.shop, PRICE: None}
    async with env.services.db.transaction(env.scope) as session:
        await pause_connection(session, env.erp, now=utc_now())
        for element, source in owned.items():
            await publish_contract(
                session, element=element, source_connection_id=source, owner="Shop desk", now=utc_now(),
                propagation_slo=timedelta(hours=1), correction_slo=timedelta(hours=4),
            )  # fmt: skip
    return trade
