"""Every job type is declared once, with a title and a typed payload, and has a handler."""

import re
from pathlib import Path

import msgspec
import pytest

import controlplane.jobs
from controlplane.rooms import ROOMS
from controlplane.services import Services
from foundation.jobs.repair import REPAIR
from foundation.jobs.types import JobType

ROOT = Path(controlplane.jobs.__file__).parents[2]
PACKAGES = ("platform", "tenants", "connectors", "branding", "billing")
DECLARED = ROOMS.every(lambda room: room.job_types)
SOURCES = {
    path: path.read_text()
    for package in PACKAGES
    for path in (ROOT / package).rglob("*")
    if path.suffix in {".py", ".html", ".sql"} and path.parent.name != "versions"
}


def test_each_declared_type_has_one_handler_and_each_handler_a_declared_type(services: Services) -> None:
    assert len(DECLARED) > 20
    assert len({job_type.name for job_type in DECLARED}) == len(DECLARED)
    assert controlplane.jobs.build_jobs(services).job_types == set(DECLARED)


@pytest.mark.parametrize("job_type", DECLARED, ids=lambda job_type: job_type.name)
def test_a_type_has_the_name_of_its_room_and_a_verb_a_title_and_a_payload(job_type: JobType[msgspec.Struct]) -> None:
    room, _, verb = job_type.name.partition(".")
    assert room in {each.name for each in ROOMS}
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", verb)
    assert re.fullmatch(r"[A-Z][a-z ]+", job_type.title)
    assert issubclass(job_type.payload, msgspec.Struct)
    assert ROOMS.job_title(job_type.name) == job_type.title


@pytest.mark.parametrize("job_type", DECLARED, ids=lambda job_type: job_type.name)
def test_no_name_is_spelled_outside_its_declaration(job_type: JobType[msgspec.Struct]) -> None:
    """Except in stored SQL: the relay has no other way to name the type."""
    quoted = re.compile(rf"['\"]{re.escape(job_type.name)}['\"]")
    places = [path.name for path, text in SOURCES.items() for _ in quoted.findall(text)]
    stored = ["timers.sql"] if job_type == REPAIR else []
    assert len([name for name in places if name not in stored]) == 1
    assert [name for name in places if name in stored] == stored


def test_lane_names_are_parsed_in_one_place() -> None:
    apart = re.compile(r"lane\.(partition|rpartition|split|rsplit)\(")
    assert {path.name for path, text in SOURCES.items() if apart.search(text)} == {"lanes.py"}
