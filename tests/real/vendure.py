"""A real Vendure shop: installed with npm (it is GPL and no part of the product), in memory, served by Node."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from connectors.ports import ConnectionConfig
from controlplane.embedded.processes import Command, Spawner, end_process
from controlplane.ports import held_port
from tests.real.installing import GOODS, HERE, RealSystemMissing, installed, run, wait_until

USERNAME = "superadmin"
PASSWORD = "superadmin-of-a-test"
NODE_MAJOR = 20
LANGUAGES = ("en", "de", "fr")
CURRENCIES = ("USD", "EUR")
FIRST_LOCATION, SECOND_LOCATION = "Default Stock Location", "Berlin"
SOURCES = ("package.json", "package-lock.json", "config.js", "serve.js")


class RunningVendure:
    """The shop, and a shopper's view of it. It does not use the adapter, which is under test."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}"
        self._client = httpx2.Client(base_url=self.base_url, timeout=60)
        self._desk: dict[str, str] = {}

    def connection(self, *, password: str = PASSWORD, **settings: str) -> ConnectionConfig:
        return ConnectionConfig("vendure", self.base_url, {"username": USERNAME, **settings}, {"password": password})

    def administer(self, query: str, **variables: Any) -> dict[str, Any]:
        """Perform an administrator's action in the shop. Raises RuntimeError with the shop's refusal.

        Signs in again once if the shop has lost the session: all transactions of its in-memory database share one
        connection, and the roll-back of one can undo another's session.
        """
        try:
            return self._ask("/admin-api", query, variables, self._signed_in())
        except RuntimeError as refusal:
            if "not currently authorized" not in str(refusal):
                raise
        self._desk.clear()
        return self._ask("/admin-api", query, variables, self._signed_in())

    def _signed_in(self) -> dict[str, str]:
        if "authorization" not in self._desk:
            given = {"u": USERNAME, "p": PASSWORD}
            sign_in = "mutation ($u: String!, $p: String!) { login(username: $u, password: $p) { __typename } }"
            answer = self._client.post("/admin-api", json={"query": sign_in, "variables": given})
            self._desk["authorization"] = f"Bearer {answer.headers['vendure-auth-token']}"
        return self._desk

    def ask_as_shopper(self, query: str, headers: dict[str, str], *, currency: str = "USD") -> dict[str, Any]:
        """`headers` get the token of the shopper's session, whose cart the next request finds."""
        return self._ask(f"/shop-api?currencyCode={currency}", query, {}, headers)

    def add_location(self, name: str) -> None:
        create = "mutation ($i: CreateStockLocationInput!) { createStockLocation(input: $i) { id } }"
        self.administer(create, i={"name": name, "description": ""})

    def variant(self, sku: str) -> dict[str, Any]:
        """The variant with its product, prices and stock, as an administrator sees it."""
        query = """query ($sku: String!) { productVariants(options: {filter: {sku: {eq: $sku}}}) { items { id
            prices { currencyCode price } stockLevels { stockOnHand stockLocation { name } }
            product { id translations { languageCode name slug description } } } } }"""
        [found] = self.administer(query, sku=sku)["productVariants"]["items"]
        return dict(found)

    def shopper_price(self, sku: str, currency: str = "USD") -> int | None:
        """Price in minor units from the shop's public API, as a storefront requests it."""
        variant = self._variant(sku, currency)
        return None if variant is None else int(variant["price"])

    def shopper_texts(self, sku: str, language: str) -> tuple[str, str]:
        """Name and description, as a storefront in that language requests them."""
        query = "query ($id: ID!) { product(id: $id) { name description } }"
        product_id = self.variant(sku)["product"]["id"]
        found = self._ask(f"/shop-api?languageCode={language}", query, {"id": product_id}, {})["product"]
        return found["name"], found["description"]

    def shopper_stock(self, sku: str) -> str:
        """IN_STOCK or OUT_OF_STOCK: the shop does not publish numbers to shoppers."""
        variant = self._variant(sku)
        return "" if variant is None else str(variant["stockLevel"])

    def _variant(self, sku: str, currency: str = "USD") -> dict[str, Any] | None:
        query = "query ($slug: String!) { product(slug: $slug) { variants { sku price stockLevel } } }"
        product = self._ask(f"/shop-api?currencyCode={currency}", query, {"slug": sku.lower()}, {})["product"]
        return next((one for one in product["variants"] if one["sku"] == sku), None) if product else None

    def _ask(self, path: str, query: str, variables: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        response = self._client.post(path, json={"query": query, "variables": variables}, headers=headers)
        answer = response.json()
        if "errors" in answer:
            raise RuntimeError(f"The shop refused: {answer['errors'][0]['message']}")
        if token := response.headers.get("vendure-auth-token"):
            headers["authorization"] = f"Bearer {token}"
        data: dict[str, Any] = answer["data"]
        return data

    def close(self) -> None:
        self._client.close()


@contextmanager
def running_vendure(folder: Path) -> Iterator[RunningVendure]:
    """A shop of its own, with the usual goods. Ends with this process, however that ends."""
    home = install_vendure()
    log = folder / "vendure.log"
    with ExitStack() as opened:
        port = opened.enter_context(held_port())
        environment = os.environ | {
            "PORT": str(port),
            "SHOP_USERNAME": USERNAME,
            "SHOP_PASSWORD": PASSWORD,
            "SHOP_GOODS": json.dumps(GOODS),
        }
        command = Command([_node(), str(home / "serve.js")], log, signal.SIGKILL, cwd=folder, env=environment)
        process = Spawner().spawn(command)
        opened.callback(end_process, process, signal.SIGTERM, 5)
        shop = RunningVendure(port)
        opened.callback(shop.close)
        wait_until(lambda: b"ready\n" in log.read_bytes(), process, log, seconds=240)
        _set_up(shop)
        yield shop


def _set_up(shop: RunningVendure) -> None:
    """A shop in three languages and two currencies, with a second warehouse, set up as an administrator does."""
    channel = shop.administer("{ activeChannel { id } }")["activeChannel"]["id"]
    languages = {"availableLanguages": list(LANGUAGES)}
    shop.administer(
        "mutation ($i: UpdateGlobalSettingsInput!) { updateGlobalSettings(input: $i) { __typename } }", i=languages
    )
    update = "mutation ($i: UpdateChannelInput!) { updateChannel(input: $i) { __typename } }"
    new = {"id": channel, "availableLanguageCodes": list(LANGUAGES), "availableCurrencyCodes": list(CURRENCIES)}
    shop.administer(update, i=new)
    shop.add_location(SECOND_LOCATION)


def install_vendure() -> Path:
    """The folder with the sources and `node_modules`. Takes between 15 and 60 seconds the first time."""
    inputs = [(HERE / "shop" / name).read_bytes() for name in SOURCES]
    return installed("vendure", inputs, _build)


def _build(home: Path) -> None:
    _node()
    for name in SOURCES:
        shutil.copy(HERE / "shop" / name, home / name)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    run(command, what="Vendure could not be installed with npm", cwd=home)


def _node() -> str:
    """Raises `RealSystemMissing` unless a recent Node is installed."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise RealSystemMissing(f"The real shop needs Node {NODE_MAJOR} or newer with npm. Install both and run again.")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < NODE_MAJOR:
        raise RealSystemMissing(f"The real shop needs Node {NODE_MAJOR} or newer; this machine has {version}.")
    return node
