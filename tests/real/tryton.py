"""A real Tryton: installed into its own environment (it is GPL and no part of the product), seeded once, served."""

import base64
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2

from connectors.ports import ConnectionConfig
from controlplane.embedded.processes import Command, Spawner, end_process
from controlplane.ports import held_port
from tests.real.installing import GOODS, HERE, installed, run, wait_until

DATABASE = "erp"
USERNAME = "admin"
PASSWORD = "erp-of-a-test"  # password of a server on loopback during a test
DELIVERY = "DELIVERY"
"""Code of the product that stands for delivery."""
MODULES = ("product", "product_price_list", "sale", "sale_price_list", "stock")


class RunningTryton:
    """The server, and actions of people in it. They do not use the adapter, which is under test."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}"
        self._client = httpx2.Client(base_url=self.base_url, timeout=60)
        self._headers: dict[str, str] = {}
        self._context: dict[str, Any] = {}

    def connection(self, *, overlap_seconds: int = 300, **more: str) -> ConnectionConfig:
        settings = {"database": DATABASE, "username": USERNAME, "overlap_seconds": str(overlap_seconds)}
        settings |= {"delivery_code": DELIVERY, "customer_code": "WEB", "warehouse_code": "WH", **more}
        return ConnectionConfig("tryton", self.base_url, settings, {"password": PASSWORD})

    def answers(self) -> bool:
        try:
            self._client.get("/")
        except httpx2.TransportError:
            return False
        return True

    def sign_in(self) -> None:
        user_id, key, *_ = self._call("common.db.login", USERNAME, {"password": PASSWORD})
        token = base64.b64encode(f"{USERNAME}:{user_id}:{key}".encode()).decode()
        self._headers = {"authorization": f"Session {token}"}
        self._context = self._call("model.res.user.get_preferences", True, {})

    def set_list_price(self, sku: str, price: Decimal) -> None:
        template = self._product(sku)["template"]
        values = {"list_price": {"__class__": "Decimal", "decimal": str(price)}}
        self._call("model.product.template.write", [template], values, self._context)

    def set_stock(self, sku: str, quantity: int, *, warehouse: str = "WH") -> None:
        """Set the stock by an inventory of the warehouse, as a person does."""
        location = self.search("stock.location", [["code", "=", warehouse]], ["storage_location"])[0]
        line = {"product": self._product(sku)["id"], "quantity": float(quantity)}
        values = {"location": location["storage_location"], "lines": [["create", [line]]]}
        [inventory] = self._call("model.stock.inventory.create", [values], self._context)
        self._call("model.stock.inventory.confirm", [inventory], self._context)

    def set_text(self, sku: str, language: str, name: str, description: str) -> None:
        """Set the text as a user with that language in Tryton."""
        product, context = self._product(sku), self._context | {"language": language}
        self._call("model.product.template.write", [product["template"]], {"name": name}, context)
        self._call("model.product.product.write", [product["id"]], {"description": description}, context)

    def set_formula(self, price_list: str, formula: str) -> None:
        [found] = self.search("product.price_list", [["name", "=", price_list]], ["lines"])
        self._call("model.product.price_list.line.write", found["lines"], {"formula": formula}, self._context)

    def set_rate(self, currency: str, rate: Decimal) -> None:
        """Set the rate from today on, for one unit of the company's currency."""
        [found] = self.search("currency.currency", [["code", "=", currency]], ["id"])
        values = {"currency": found["id"], "rate": {"__class__": "Decimal", "decimal": str(rate)}}
        self._call("model.currency.currency.rate.create", [values], self._context)

    def pack(self, reference: str) -> None:
        """Pack all goods of a web order, ready to be shipped."""
        for button in ("wait", "assign_force", "pick", "pack"):
            self._call(f"model.stock.shipment.out.{button}", self._shipments(reference), self._context)

    def ship(self, reference: str) -> None:
        for button in ("ship", "do"):
            self._call(f"model.stock.shipment.out.{button}", self._shipments(reference), self._context)

    def copy_sale(self, reference: str) -> None:
        """Duplicate the sale and enter the same reference, as a person does."""
        [sale] = self.search("sale.sale", [["reference", "=", reference]], ["id"])
        [copied] = self._call("model.sale.sale.copy", [sale["id"]], {}, self._context)
        self._call("model.sale.sale.write", [copied], {"reference": reference}, self._context)

    def write(self, model: str, id_: int, values: dict[str, Any]) -> None:
        self._call(f"model.{model}.write", [id_], values, self._context)

    def search(self, model: str, domain: list[Any], fields: list[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call(
            f"model.{model}.search_read", domain, 0, None, None, fields, self._context
        )
        return found

    def sign_everyone_out(self) -> None:
        """End every session of the user by setting the password again."""
        self._call("model.res.user.write", [1], {"password": PASSWORD}, self._context)
        self.sign_in()

    def close(self) -> None:
        self._client.close()

    def _shipments(self, reference: str) -> list[int]:
        [sale] = self.search("sale.sale", [["reference", "=", reference]], ["shipments"])
        shipments: list[int] = sale["shipments"]
        return shipments

    def _product(self, sku: str) -> dict[str, Any]:
        [product] = self.search("product.product", [["code", "=", sku]], ["template"])
        return product

    def _call(self, method: str, *parameters: Any) -> Any:
        body = {"id": 1, "method": method, "params": list(parameters)}
        response = self._client.post(f"/{DATABASE}/rpc/", json=body, headers=self._headers).raise_for_status()
        answer = response.json()
        if "error" in answer:
            raise RuntimeError(f"Tryton refused {method}: {answer['error'][:2]}")
        return answer["result"]


@contextmanager
def running_tryton(folder: Path) -> Iterator[RunningTryton]:
    """A server of its own on a copy of the seeded database. Ends with this process, however that ends."""
    home = install_tryton()
    shutil.copy(home / "template.sqlite", folder / f"{DATABASE}.sqlite")
    with ExitStack() as opened:
        port = opened.enter_context(held_port())
        config = _write_config(folder, port)
        log = folder / "tryton.log"
        command = [home / "venv/bin/trytond", "-c", config, "-d", DATABASE]
        process = Spawner().spawn(Command([*map(str, command)], log, signal.SIGKILL, cwd=folder))
        opened.callback(end_process, process, signal.SIGTERM, 5)
        server = RunningTryton(port)
        opened.callback(server.close)
        wait_until(server.answers, process, log, seconds=240)
        server.sign_in()
        yield server


def install_tryton() -> Path:
    """The folder with `venv` and `template.sqlite`. Takes a minute or more the first time."""
    sources = [HERE / "tryton-requirements.txt", HERE / "erp/seed.py", HERE / "erp/trytond.conf"]
    inputs = [sys.version.encode(), json.dumps(GOODS).encode(), " ".join(MODULES).encode(), PASSWORD.encode()]
    return installed("tryton", [*inputs, *(path.read_bytes() for path in sources)], _build)


def _build(home: Path) -> None:
    what = "Tryton could not be installed"
    python = home / "venv/bin/python"
    run([sys.executable, "-m", "venv", home / "venv"], what=what, cwd=home)
    pip: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
    ]
    run([*pip, "-r", HERE / "tryton-requirements.txt"], what=what, cwd=home)
    config = _write_config(home, 0)
    (home / f"{DATABASE}.sqlite").touch()
    (home / "password").write_text(f"{PASSWORD}\n")
    environment = os.environ | {"TRYTONPASSFILE": str(home / "password"), "PYTHONWARNINGS": "ignore"}
    what = "Tryton's database could not be made"
    admin: list[str | Path] = [
        home / "venv/bin/trytond-admin",
        "-c",
        config,
        "-d",
        DATABASE,
        "--email",
        "erp@example.test",
    ]
    run([*admin, "--activate-dependencies", "-u", *MODULES], what=what, cwd=home, env=environment)
    seed: list[str | Path] = [python, HERE / "erp/seed.py", config, DATABASE]
    run(seed, what=what, cwd=home, env=environment, feed=json.dumps(GOODS).encode())
    (home / f"{DATABASE}.sqlite").rename(home / "template.sqlite")


def _write_config(folder: Path, port: int) -> Path:
    config = folder / "trytond.conf"
    template = (HERE / "erp/trytond.conf").read_text("utf-8")
    config.write_text(template.format(folder=folder, port=port), "utf-8")
    return config
