"""Addresses of all pages without identifiers other than a client's, from the application's routes."""

import re
from typing import Any

from litestar.handlers import HTTPRouteHandler

from controlplane.services import build_services
from foundation.settings import Settings
from tests.conftest import VAULT_KEYS

NOWHERE = "postgresql+psycopg://nobody:nothing@127.0.0.1:1/none"
_CLIENT = "{client:str}"
_FILE = re.compile(r"\.[a-z]{2,4}$")


def unconnected_settings() -> Settings:
    """Settings for building handlers without connections."""
    return Settings(
        owner_url=NOWHERE, app_url=NOWHERE, intake_url=NOWHERE, relay_url=NOWHERE,
        redis_url="redis://127.0.0.1:1/0", vault_keys=VAULT_KEYS, secret_key=b"a secret of the tests, 32 bytes long",
    )  # fmt: skip


def static_pages(client: str) -> list[str]:
    """Paths of whole pages, without fragments and files, with the client's short name filled in."""
    services = build_services(unconnected_settings())
    built: list[Any] = list(services.rooms.built(lambda room: room.pages, services))
    paths = {
        path.replace(_CLIENT, client)
        for one in built
        if isinstance(one, HTTPRouteHandler) and "GET" in one.http_methods and not one.opt.get("fragment")
        for path in one.paths
        if "{" not in path.replace(_CLIENT, "")
    }
    return sorted(path for path in paths if not _FILE.search(path))
