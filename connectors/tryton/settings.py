"""The settings of a connection that affect reading and writing, as its `manifest.toml` declares them."""

from datetime import UTC, datetime, timedelta
from typing import Final

from connectors.ports import ConnectionConfig, SystemUnavailable
from connectors.tryton import reasons

_OVERLAP_SECONDS: Final = 300


def is_set(config: ConnectionConfig, name: str) -> bool:
    return config.settings.get(name) == "yes"


def overlap_of(config: ConnectionConfig) -> timedelta:
    """The overlap of each poll with the one before."""
    return timedelta(seconds=int(config.settings.get("overlap_seconds") or _OVERLAP_SECONDS))


def delivery_code(config: ConnectionConfig) -> str:
    """Code of the product that represents delivery charges; empty for none."""
    return config.settings.get("delivery_code", "")


def price_list_names(config: ConnectionConfig) -> list[str]:
    return _parts(config, "price_lists")


def currency_codes(config: ConnectionConfig) -> list[str]:
    return _parts(config, "currencies")


def customer_code(config: ConnectionConfig) -> str:
    """Code of the party that web orders belong to; empty: the connection takes none and reports none."""
    return config.settings.get("customer_code", "")


def warehouse_code(config: ConnectionConfig) -> str:
    """Code or name of the warehouse that orders are sent from; empty: the only one."""
    return config.settings.get("warehouse_code", "")


def orders_since(config: ConnectionConfig) -> datetime | None:
    """Start of the sales that are read; None for all. Raises SystemUnavailable for a day that no calendar has."""
    if not (text := config.settings.get("orders_since")):
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise SystemUnavailable(reasons.NO_DAY.write(text=text[:20])) from None


def _parts(config: ConnectionConfig, name: str) -> list[str]:
    """Parts between commas, each once."""
    parts = [part.strip(" ") for part in config.settings.get(name, "").split(",")]
    return list(dict.fromkeys(part for part in parts if part))
