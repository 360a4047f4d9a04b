"""Every event is declared by its room and known to the workers; every subscription is to a declared one."""

import ast
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

import controlplane.jobs
from controlplane.rooms import ROOMS
from controlplane.services import Services
from foundation.events import DELIVER, EventType

ROOT = Path(controlplane.jobs.__file__).parents[2]
PACKAGES = ("platform", "tenants", "connectors", "branding", "billing")


def test_events_are_declared_in_their_rooms_events_and_nowhere_else() -> None:
    declared: set[EventType[Any]] = set()
    for path in (path for room in PACKAGES for path in (ROOT / room).rglob("*.py")):
        if path.match("foundation/events.py"):
            continue
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        if not any(isinstance(call.func, ast.Name) and call.func.id == "EventType" for call in calls):
            continue
        assert path.name == "events.py", f"{path} makes up an event"
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removeprefix("platform.")
        module = import_module(name)
        found = {value for value in vars(module).values() if isinstance(value, EventType)}
        assert set(module.EVENTS) == found
        declared |= found
    assert declared
    assert set(ROOMS.every(lambda room: room.events)) == declared
    assert len({event.name for event in declared}) == len(declared)
    for event in declared:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+", event.name), event
        assert event.title, event
        assert issubclass(event.payload, msgspec.Struct), event


def test_the_workers_deliver_events(services: Services) -> None:
    assert DELIVER.name in controlplane.jobs.build_jobs(services)
