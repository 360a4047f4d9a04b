"""Runs inside Tryton's own environment: one company and the goods every test system has.

Arguments: the configuration file, the database. The goods come as JSON on standard input.
"""

import json
import sys
from decimal import Decimal
from typing import Any

from proteus import Model, config  # type: ignore[import-not-found]
from trytond.modules.company.tests.tools import create_company, get_company  # type: ignore[import-not-found]
from trytond.modules.currency.tests.tools import get_currency  # type: ignore[import-not-found]


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

    [unit] = Model.get("product.uom").find([("name", "=", "Unit")])
    template_model = Model.get("product.template")
    for each in goods:
        template = template_model(name=each["title"], default_uom=unit, type="goods", list_price=Decimal(each["price"]))
        template.code = each["sku"]
        template.products[0].cost_price = Decimal(each["cost"])
        template.save()

    [warehouse] = Model.get("stock.location").find([("type", "=", "warehouse")], limit=1)
    inventory = Model.get("stock.inventory")(location=warehouse.storage_location)
    stock = {each["sku"]: each["stock"] for each in goods}
    for product in Model.get("product.product").find([]):
        line = inventory.lines.new()
        line.product = product
        line.quantity = stock[product.code]
        line.expected_quantity = 0
    inventory.save()
    inventory.click("confirm")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.load(sys.stdin))
