"""Every connector this build knows, each a validated `manifest.toml` with the adapters behind it."""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from connectors.port import Connector, Manifest
from connectors.sandbox.erp.adapter import SandboxErp
from connectors.sandbox.market.adapter import SandboxMarket
from connectors.sandbox.shop.adapter import SandboxShop
from connectors.signatures import StandardWebhook
from connectors.tryton.adapter import Tryton
from connectors.vendure.adapter import Vendure

_ROLES: Final = frozenset({"erp", "channel"})
_HERE: Final = Path(__file__).parent


class ManifestInvalid(Exception):
    """A connector's manifest breaks the rules; the text names the file and the rule."""


def build_registry() -> Mapping[str, Connector]:
    """Kind → connector. Immutable; adapters may cache sign-ins per connection, so build it once per process."""
    connectors = [_load(folder, assemble) for folder, assemble in _parts().items()]
    registry = {connector.manifest.kind: connector for connector in connectors}
    if len(registry) != len(connectors):
        raise ManifestInvalid("Two connectors share a kind; every manifest.toml needs its own.")
    return MappingProxyType(registry)


def read_manifest(path: Path) -> Manifest:
    """Unknown keys, unknown roles, broken patterns, repeated names and secrets with a default are errors."""
    try:
        manifest = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Manifest)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as problem:
        raise ManifestInvalid(f"{path}: {problem}") from problem
    if manifest.role not in _ROLES:
        raise ManifestInvalid(f"{path}: role must be one of {', '.join(sorted(_ROLES))}, not {manifest.role!r}.")
    names = [field.name for field in manifest.fields]
    if len(set(names)) != len(names):
        raise ManifestInvalid(f"{path}: two fields share a name.")
    for field in manifest.fields:
        if field.secret and field.default:
            raise ManifestInvalid(f"{path}: the secret {field.name} must not have a default.")
        try:
            re.compile(field.pattern)
        except re.error as problem:
            raise ManifestInvalid(f"{path}: the pattern of {field.name} is not a regular expression.") from problem
        if field.default and field.pattern and not re.fullmatch(field.pattern, field.default):
            raise ManifestInvalid(f"{path}: the default of {field.name} does not match its own pattern.")
    return manifest


def _parts() -> dict[str, Callable[[Manifest], Connector]]:
    return {
        "sandbox/erp": lambda manifest: _sandbox_erp(manifest, SandboxErp()),
        "sandbox/shop": lambda manifest: _shop(manifest, SandboxShop()),
        "sandbox/market": lambda manifest: _shop(manifest, SandboxMarket()),
        "tryton": lambda manifest: _tryton(manifest, Tryton()),
        "vendure": lambda manifest: _shop(manifest, Vendure()),
    }


def _sandbox_erp(manifest: Manifest, adapter: SandboxErp) -> Connector:
    return Connector(manifest, webhook=StandardWebhook(), source=adapter, poll=adapter)


def _shop(manifest: Manifest, adapter: SandboxShop | SandboxMarket | Vendure) -> Connector:
    return Connector(manifest, channel=adapter, catalogue=adapter)


def _tryton(manifest: Manifest, adapter: Tryton) -> Connector:
    return Connector(manifest, source=adapter, poll=adapter)


def _load(folder: str, assemble: Callable[[Manifest], Connector]) -> Connector:
    return assemble(read_manifest(_HERE / folder / "manifest.toml"))
