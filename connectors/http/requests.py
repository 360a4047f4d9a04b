"""What requests to every system behind the port have in common."""

from connectors.ports import ConnectionConfig


def endpoint(config: ConnectionConfig, path: str) -> str:
    """`path` begins with a slash. People enter addresses with and without one at the end."""
    return f"{config.base_url.rstrip('/')}{path}"


def json_headers(bearer: str = "") -> dict[str, str]:
    headers = {"content-type": "application/json", "accept": "application/json"}
    return headers | {"authorization": f"Bearer {bearer}"} if bearer else headers
