"""Location of templates: the folder of the slice that renders them, or of the room if several slices do."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from branding.environment import template_folders
from foundation.i18n.catalogues import FOUNDATION, find_rooms
from foundation.i18n.extraction import find_sources
from foundation.i18n.text_owners import TextOwners

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {room.name: room for room in find_rooms() if room.name != "branding"}
OWNERS = TextOwners(find_rooms(), FOUNDATION)
SOURCES = [path for room in ROOMS.values() for path in find_sources([room])]
_NAMED = re.compile(r"""["']((?:[a-z_]+/)?[a-z_]+\.html)["']""")


def templates_of(room: Path) -> list[Path]:
    return sorted({path for folder in template_folders(room) for path in folder.glob("*.html")})


def users_of(names: Iterable[str], sources: Mapping[Path, str]) -> dict[str, set[Path]]:
    """Files that name each template. A module may omit the prefix of its own room, which its `render_page` adds."""
    users: dict[str, set[Path]] = {name: set() for name in names}
    for path, text in sources.items():
        room = next(name for name, folder in ROOMS.items() if folder in path.parents)
        for named in _NAMED.findall(text):
            name = named if "/" in named else f"{room}/{named}"
            if name in users and (path.suffix == ".py" or "/" in named):
                users[name].add(path)
    return users


def renderers(name: str, users: Mapping[str, set[Path]], seen: set[str]) -> set[Path]:
    """Owners of the modules that render the template, directly or as a part of others."""
    seen.add(name)
    found: set[Path] = set()
    for path in users[name]:
        if path.suffix == ".py":
            found.add(OWNERS.owner_of(path))
        elif (above := name_of(path)) not in seen:
            found |= renderers(above, users, seen)
    return found


def name_of(template: Path) -> str:
    room = next(name for name, folder in ROOMS.items() if folder in template.parents)
    return f"{room}/{template.name}"


def test_templates_lie_with_the_modules_that_render_them() -> None:
    templates = [path for room in ROOMS.values() for path in templates_of(room)]
    assert len(templates) > 150
    users = users_of(map(name_of, templates), {path: path.read_text() for path in SOURCES})
    wrong = {}
    for path in templates:
        owners = renderers(name_of(path), users, set())
        if not owners or OWNERS.common_owner(owners) != OWNERS.owner_of(path):
            wrong[str(path.relative_to(ROOT))] = sorted(str(each.relative_to(ROOT)) for each in owners)
    assert wrong == {}


def test_every_template_is_found_and_has_its_name_once_in_its_room() -> None:
    for room in ROOMS.values():
        found = templates_of(room)
        assert sorted(path for path in room.rglob("*.html") if "templates" in path.parts) == found
        assert len({path.name for path in found}) == len(found)
