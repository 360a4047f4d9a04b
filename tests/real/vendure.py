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
SOURCES = ("package.json", "package-lock.json", "config.js", "serve.js")


class RunningVendure:
    """The shop, and what a shopper sees of it. Not through the adapter: that is what is tested."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}"
        self._client = httpx2.Client(base_url=self.base_url, timeout=60)

    def connection(self, *, password: str = PASSWORD) -> ConnectionConfig:
        return ConnectionConfig("vendure", self.base_url, {"username": USERNAME}, {"password": password})

    def shopper_price(self, sku: str) -> int | None:
        """Minor units of USD, by the shop's public API, as a storefront asks."""
        variant = self._variant(sku)
        return None if variant is None else int(variant["price"])

    def shopper_stock(self, sku: str) -> str:
        """IN_STOCK or OUT_OF_STOCK: the shop tells shoppers no numbers."""
        variant = self._variant(sku)
        return "" if variant is None else str(variant["stockLevel"])

    def _variant(self, sku: str) -> dict[str, Any] | None:
        query = "query ($slug: String!) { product(slug: $slug) { variants { sku price stockLevel } } }"
        answer = self._client.post("/shop-api", json={"query": query, "variables": {"slug": sku.lower()}})
        product = answer.raise_for_status().json()["data"]["product"]
        return next((one for one in product["variants"] if one["sku"] == sku), None) if product else None

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
        yield shop


def install_vendure() -> Path:
    """Holds the sources and `node_modules`. Between 15 and 60 seconds the first time."""
    inputs = [(HERE / "shop" / name).read_bytes() for name in SOURCES]
    return installed("vendure", inputs, _build)


def _build(home: Path) -> None:
    _node()
    for name in SOURCES:
        shutil.copy(HERE / "shop" / name, home / name)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    run(command, what="Vendure could not be installed with npm", cwd=home)


def _node() -> str:
    """Raises `RealSystemMissing` unless Node is there and new enough."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise RealSystemMissing(f"The real shop needs Node {NODE_MAJOR} or newer with npm. Install both and run again.")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < NODE_MAJOR:
        raise RealSystemMissing(f"The real shop needs Node {NODE_MAJOR} or newer; this machine has {version}.")
    return node
