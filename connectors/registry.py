"""Registry of every connector of this build, each with a validated `manifest.toml` and its adapters."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from connectors.manifest import Manifest, ManifestInvalid, read_manifest
from connectors.ports import Connector
from connectors.sandbox.erp.adapter import SandboxErp
from connectors.sandbox.erp.orders import SandboxErpOrders
from connectors.sandbox.market.adapter import SandboxMarket
from connectors.sandbox.shop.adapter import SandboxShop
from connectors.sandbox.shop.orders import SandboxShopOrders
from connectors.tryton.adapter import Tryton
from connectors.vendure.adapter import Vendure
from connectors.vendure.orders import VendureOrders
from connectors.vendure.session import VendureSessions
from connectors.webhooks.signatures import StandardWebhook

_HERE: Final = Path(__file__).parent


def build_registry() -> Mapping[str, Connector]:
    """Kind → connector. Immutable; adapters may cache sign-ins per connection, so build the registry once per
    process.
    """
    connectors = [_load(folder, assemble) for folder, assemble in _parts().items()]
    registry = {connector.manifest.kind: connector for connector in connectors}
    if len(registry) != len(connectors):
        raise ManifestInvalid("Two connectors share a kind; every manifest.toml needs its own.")
    return MappingProxyType(registry)


@cache
def connector_titles() -> Mapping[str, str]:
    """Title of each kind of connector, as its manifest has it."""
    return {kind: connector.manifest.title for kind, connector in build_registry().items()}


def _parts() -> dict[str, Callable[[Manifest], Connector]]:
    return {
        "sandbox/erp": lambda manifest: _sandbox_erp(manifest, SandboxErp()),
        "sandbox/shop": lambda manifest: _sandbox_shop(manifest, SandboxShop(), SandboxShopOrders()),
        "sandbox/market": lambda manifest: _market(manifest, SandboxMarket()),
        "tryton": lambda manifest: _tryton(manifest, Tryton()),
        "vendure": lambda manifest: _vendure(manifest, VendureSessions()),
    }


def _sandbox_erp(manifest: Manifest, adapter: SandboxErp) -> Connector:
    return Connector(manifest, webhook=StandardWebhook(), source=adapter, poll=adapter, channel=SandboxErpOrders())


def _sandbox_shop(manifest: Manifest, adapter: SandboxShop, orders: SandboxShopOrders) -> Connector:
    return Connector(manifest, source=orders, poll=orders, channel=adapter, catalogue=adapter)


def _market(manifest: Manifest, adapter: SandboxMarket) -> Connector:
    return Connector(manifest, channel=adapter, catalogue=adapter)


def _vendure(manifest: Manifest, sessions: VendureSessions) -> Connector:
    adapter, orders = Vendure(sessions), VendureOrders(sessions)
    return Connector(manifest, source=orders, poll=orders, channel=adapter, catalogue=adapter)


def _tryton(manifest: Manifest, adapter: Tryton) -> Connector:
    return Connector(manifest, source=adapter, poll=adapter, channel=adapter.orders)


def _load(folder: str, assemble: Callable[[Manifest], Connector]) -> Connector:
    path = _HERE / folder / "manifest.toml"
    connector = assemble(read_manifest(path))
    if (connector.channel is not None) is not bool(connector.manifest.writes):
        raise ManifestInvalid(f"{path}: declare `writes` for a connector with a channel adapter, and for no other.")
    if connector.is_source is not bool(connector.manifest.reports):
        raise ManifestInvalid(f"{path}: declare `reports` for a connector with a source adapter, and for no other.")
    return connector
