"""Shared parts of requests to every system behind the port."""

from connectors.ports import ConnectionConfig


def endpoint(config: ConnectionConfig, path: str) -> str:
    """Join base address and path. `path` begins with a slash; entered addresses may end with one or not."""
    return f"{config.base_url.rstrip('/')}{path}"


def json_headers(bearer: str = "") -> dict[str, str]:
    headers = {"content-type": "application/json", "accept": "application/json"}
    return headers | {"authorization": f"Bearer {bearer}"} if bearer else headers
