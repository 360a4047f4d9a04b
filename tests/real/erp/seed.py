"""Runs inside Tryton's own environment: creates one company and the goods of every test system.

The company has two warehouses, texts in three languages, a price list, a second currency, and a party that web orders
belong to.

Arguments: the configuration file, the database. The goods are JSON on standard input.
"""

import json
import sys
from decimal import Decimal
from typing import Any

from proteus import Model, config  # type: ignore[import-not-found]
from trytond.modules.company.tests.tools import create_company, get_company  # type: ignore[import-not-found]
from trytond.modules.currency.tests.tools import get_currency  # type: ignore[import-not-found]
from trytond.pool import Pool  # type: ignore[import-not-found]
from trytond.transaction import Transaction  # type: ignore[import-not-found]


def main(config_file: str, database: str, goods: list[dict[str, Any]]) -> None:
    connection = config.set_trytond(database, config_file=config_file, user="admin")
    create_company(currency=get_currency("USD"))
    company = get_company()
    user_model = Model.get("res.user")
    [user] = user_model.find([("login", "=", "admin")])
    user.companies.append(Model.get("company.company")(company.id))
    user.company = company
    user.save()
    connection._context = user_model.get_preferences(True, connection.context)

    _translate_into(database, "de", "fr")
    _create_goods(goods)
    _stock_up({each["sku"]: each["stock"] for each in goods})
    _prepare_sales()


def _translate_into(database: str, *codes: str) -> None:
    """Uses the server's method: the button in its client would load translations of every module's own texts, too."""
    with Transaction().start(database, 0) as transaction:
        languages = Pool(database).get("ir.lang")
        languages.write(languages.search([("code", "in", codes)]), {"translatable": True})
        transaction.commit()


def _create_goods(goods: list[dict[str, Any]]) -> None:
    [unit] = Model.get("product.uom").find([("name", "=", "Unit")])
    template_model = Model.get("product.template")
    for each in [*goods, {"sku": "DELIVERY", "title": "Delivery", "price": "5", "cost": "0", "type": "service"}]:
        kind = each.get("type", "goods")
        template = template_model(name=each["title"], default_uom=unit, type=kind, list_price=Decimal(each["price"]))
        template.salable = True
        template.code = each["sku"]
        template.products[0].cost_price = Decimal(each["cost"])
        template.save()


def _stock_up(stock: dict[str, int]) -> None:
    [warehouse] = Model.get("stock.location").find([("type", "=", "warehouse")], limit=1)
    [second] = warehouse.duplicate()
    second.name, second.code = "Hamburg", "HAM"
    second.save()
    inventory = Model.get("stock.inventory")(location=warehouse.storage_location)
    for product in Model.get("product.product").find([("type", "=", "goods")]):
        line = inventory.lines.new()
        line.product = product
        line.quantity = stock[product.code]
        line.expected_quantity = 0
    inventory.save()
    inventory.click("confirm")


def _prepare_sales() -> None:
    get_currency("EUR")
    settings = Model.get("sale.configuration")(1)
    settings.sale_invoice_method = "manual"  # the company has no accounts
    settings.save()
    party = Model.get("party.party")(name="Web shop", code="WEB")
    party.addresses[0].street = "Main Street 1"
    party.save()
    prices = Model.get("product.price_list")(name="Retail", price="list_price")
    prices.lines.new(formula="unit_price * Decimal('0.9')")
    prices.save()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.load(sys.stdin))
