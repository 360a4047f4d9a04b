"""The catalogue of connectors for pages and the API: the declarations of each manifest, in the reader's language."""

from collections.abc import Mapping

from connectors.manifest import SettingField
from connectors.ports import Connector
from foundation.i18n.localizer import translate
from governance.connections.schemas import ConnectorField, ConnectorView


def list_connectors(registry: Mapping[str, Connector]) -> list[ConnectorView]:
    """All connectors by category and title, sandbox ones last."""
    found = [view_connector(connector) for connector in registry.values()]
    return sorted(found, key=lambda one: (one.environment.value, one.category.value, one.title))


def view_connector(connector: Connector) -> ConnectorView:
    manifest = connector.manifest
    return ConnectorView(
        manifest.kind, manifest.title, manifest.category, translate(manifest.description), manifest.environment,
        connector.is_source, connector.takes_webhooks, connector.writes, [_field(field) for field in manifest.fields],
    )  # fmt: skip


def _field(field: SettingField) -> ConnectorField:
    return ConnectorField(
        field.name, translate(field.label), field.kind, field.required and not field.default,
        translate(field.help) if field.help else "", field.default, list(field.choices),
    )  # fmt: skip
