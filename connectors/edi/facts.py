"""Facts of transaction sets and messages, read by the table `sets.toml`. Values are texts as they were sent."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from connectors.edi.envelope import Unit
from connectors.edi.errors import Standard
from connectors.edi.reader import Reader
from connectors.edi.segments import Segment

Row = dict[str, Any] | list[str] | str
_POSITION: Final = re.compile(r"([A-Z0-9]{2,3})(\d\d|\+\w+)")


class DocumentFacts(msgspec.Struct, kw_only=True):
    """One set or message. `rows` are lists as the table declares them."""

    kind: str
    reference: str
    version: str
    first_segment: int
    segment_count: int = 0
    values: dict[str, str] = {}
    counts: dict[str, int] = {}
    rows: dict[str, list[Row]] = {}


class _Place(msgspec.Struct, frozen=True):
    """An element, or one component of it; with a qualifier, of the segment whose first component is that."""

    element: int
    component: int = 0
    qualifier: str = ""


class _RowSpec(msgspec.Struct, frozen=True):
    name: str
    columns: tuple[tuple[str, _Place], ...]
    bare: bool
    within: str = ""
    parent: str = ""
    children: tuple[str, ...] = ()


class _SetSpec(msgspec.Struct, frozen=True):
    """What to read from each segment of a set or message, by tag."""

    values: Mapping[str, tuple[tuple[str, _Place], ...]]
    counts: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, tuple[_RowSpec, ...]]
    names: tuple[str, ...]
    when_sent: frozenset[str]
    values_when_filled: frozenset[str]


class FactBuilder:
    """Collects the facts of one set or message, segment by segment."""

    def __init__(self, unit: Unit, standard: Standard) -> None:
        self._spec = _spec(standard, unit.kind)
        self._unit = unit
        self._seen: set[str] = set()
        self._facts = DocumentFacts(
            kind=unit.kind, reference=unit.reference, version=unit.version, first_segment=unit.first_segment,
            values={}, counts={}, rows={},
        )  # fmt: skip
        for tag_counts in self._spec.counts.values():
            self._facts.counts.update(dict.fromkeys(tag_counts, 0))
        for specs in self._spec.rows.values():
            for spec in specs:
                if not spec.parent:
                    self._facts.rows[spec.name] = []

    def take(self, segment: Segment) -> None:
        tag, facts = segment.tag, self._facts
        for name, place in self._spec.values.get(tag, ()):
            if place.qualifier and segment.get(1, 1) != place.qualifier:
                continue
            facts.values.setdefault(name, self._text(segment, place))
        for name in self._spec.counts.get(tag, ()):
            facts.counts[name] += 1
        for spec in self._spec.rows.get(tag, ()):
            self._add_row(spec, segment)
        self._seen.add(tag)

    def _text(self, segment: Segment, place: _Place) -> str:
        """The text there. Blanks at the end pad an element of X12 and are no part of it."""
        text = segment.get(place.element, place.component)
        return text if segment.separators.edifact else text.rstrip(" ")

    def _add_row(self, spec: _RowSpec, segment: Segment) -> None:
        if spec.within and spec.within not in self._seen:
            return
        texts = [self._text(segment, place) for _, place in spec.columns]
        row: Row = dict(zip((name for name, _ in spec.columns), texts, strict=True))
        if spec.bare:
            row = texts if len(texts) > 1 else texts[0]
        if not spec.parent:
            if isinstance(row, dict):
                row.update({child: [] for child in spec.children})
            self._facts.rows[spec.name].append(row)
        elif self._facts.rows[spec.parent]:
            parent = self._facts.rows[spec.parent][-1]
            if isinstance(parent, dict):
                parent[spec.name].append(row)

    def done(self) -> DocumentFacts:
        facts, spec = self._facts, self._spec
        facts.segment_count = self._unit.segments
        for name in spec.names:
            if name not in facts.values and name not in spec.when_sent:
                facts.values[name] = ""
        for name in spec.when_sent:
            if name in spec.values_when_filled and not facts.values.get(name, "-"):
                del facts.values[name]
            if name in facts.rows and not facts.rows[name]:
                del facts.rows[name]
        return facts


def read_facts(reader: Reader) -> Iterator[DocumentFacts]:
    """The facts of each set and message, as soon as it ends; memory holds one at a time."""
    current: Unit | None = None
    builder: FactBuilder | None = None
    for segment, unit in reader.segments():
        if unit is not current:
            if builder is not None:
                yield builder.done()
            current = unit
            builder = FactBuilder(unit, reader.interchange.standard) if unit is not None else None
        if builder is not None:
            builder.take(segment)
    if builder is not None:
        yield builder.done()


def _place(text: str) -> _Place:
    element, _, component = text.partition(".")
    return _Place(int(element), int(component or 0))


def _value_place(text: str) -> tuple[str, _Place]:
    found = _POSITION.fullmatch(text)
    if found is None:
        raise ValueError(text)
    tag, at = found.groups()
    return tag, _Place(1, 2, at[1:]) if at.startswith("+") else _Place(int(at))


def _row_spec(name: str, given: dict[str, Any], parent: str = "", children: Iterable[str] = ()) -> _RowSpec:
    bare = given.get("_", ())
    positions = [bare] if isinstance(bare, str) else bare
    named = [(key, _place(text)) for key, text in given.items() if key not in {"tag", "within", "_"}]
    columns = named or [("", _place(text)) for text in positions]
    return _RowSpec(name, tuple(columns), bool(bare), given.get("within", ""), parent, tuple(children))


def _compile(parts: list[dict[str, Any]]) -> _SetSpec:
    """The declarations of several parts of the table, joined."""
    values: dict[str, list[tuple[str, _Place]]] = {}
    counts: dict[str, list[str]] = {}
    rows: dict[str, list[_RowSpec]] = {}
    names: list[str] = []
    for part in parts:
        for name, text in part.get("values", {}).items():
            if name not in names:
                tag, place = _value_place(text)
                values.setdefault(tag, []).append((name, place))
                names.append(name)
        for name, tag in part.get("counts", {}).items():
            counts.setdefault(tag, []).append(name)
        nested = part.get("nested", {})
        for name, given in part.get("rows", {}).items():
            rows.setdefault(given["tag"], []).append(_row_spec(name, given, children=nested.get(name, {})))
        for parent, children in nested.items():
            for name, given in children.items():
                rows.setdefault(given["tag"], []).append(_row_spec(name, given, parent))
    return _SetSpec(
        {tag: tuple(found) for tag, found in values.items()},
        {tag: tuple(found) for tag, found in counts.items()},
        {tag: tuple(found) for tag, found in rows.items()},
        tuple(names),
        frozenset(name for part in parts for name in part.get("when_sent", ())),
        frozenset(name for part in parts for name in part.get("when_filled", ())),
    )


def _load() -> dict[Standard, dict[str, _SetSpec]]:
    table = tomllib.loads(Path(__file__).with_name("sets.toml").read_text())
    found: dict[Standard, dict[str, _SetSpec]] = {}
    for standard in Standard:
        given = table[standard]
        common = given["default"]
        shared = {kind: part for part in given.values() for kind in part.get("of", ())}
        found[standard] = {
            kind: _compile([common, *([shared[kind]] if kind in shared else []), given.get(kind, {})])
            for kind in {*given, *shared}
        }
    return found


_SPECS: Final = _load()


def _spec(standard: Standard, kind: str) -> _SetSpec:
    known = _SPECS[standard]
    return known.get(kind, known["default"])
