"""Every route declares a permission, or is declared public."""

from typing import Any

from litestar.handlers import BaseRouteHandler

from controlplane.services import Services
from tests.architecture.test_catalogues import PERMISSIONS


def test_every_route_requires_a_declared_permission(services: Services) -> None:
    rooms = services.rooms
    built: list[Any] = [
        *rooms.built(lambda room: room.pages, services),
        *rooms.built(lambda room: room.routes, services),
    ]
    handlers = [one for one in built if isinstance(one, BaseRouteHandler)]
    assert len(handlers) > 80
    assert len(handlers) == len(built)
    required = {str(one.opt["permission"]) for one in handlers if not one.opt.get("public")}
    assert len(required) > 25
    assert required <= PERMISSIONS.keys()
