"""Audit entries as sentences. The exact record is shown next to them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from canonical.values import minor_money, quantity, to_value
from foundation.actor_labels import write_actor
from foundation.i18n.localizer import current_localizer, translate
from foundation.i18n.messages import StoredMessage
from foundation.marks import N_
from governance.audit_trail.schemas import AuditEntryView, EntryGroup
from governance.labels import write_element, write_kind, write_name, write_value
from governance.messages.writer import write_title

_EARLIER: Final = re.compile(r"^person\.")  # entries are never rewritten, so the earlier term remains in them
_NUMBERED: Final = {"policy": N_("Policy")}
"""Kinds of subjects that are shown by their number."""
_SHOWN_ELSEWHERE: Final = frozenset({
    "subject_kind", "subject_id", "content", "policy", "policy_version", "rule", "event", "record_key", "element",
    "dimension", "record_type", "currency", "old", "new", "read", "connection", "version", "title", "message",
    "params",
})  # fmt: skip
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Named(msgspec.Struct, frozen=True):
    """Display name of an id; a change also has an element and a currency."""

    name: str
    element: str = ""
    currency: str = ""
    dimension: str = ""

    @property
    def whole(self) -> str:
        return f"{self.name}, {_lower(write_element(self.element, self.dimension))}" if self.element else self.name


class FormattedEntry(msgspec.Struct, frozen=True):
    entry: AuditEntryView
    title: str
    about: str
    by: str
    text: str


def find_ids(entries: Iterable[AuditEntryView]) -> set[UUID]:
    return {UUID(found) for entry in entries for found in _ID.findall(f"{entry.subject} {entry.data_text}")}


def format_entry(entry: AuditEntryView, names: Mapping[str, Named], labels: Mapping[str, str]) -> FormattedEntry:
    """Format an entry. `names` by id; ids without a name appear only in the exact record. `labels` are of actions, by
    code.
    """
    action = _EARLIER.sub("member.", entry.action)
    return FormattedEntry(
        entry=entry,
        title=translate(labels[action]) if action in labels else write_name(action),
        about=_about(entry, names),
        by=write_actor(entry.actor),
        text=", ".join(_text(entry, names)),
    )


class FormattedGroup(msgspec.Struct, frozen=True):
    """A group in one row: its newest entry, and the text of the entry that holds the value."""

    entries: Sequence[FormattedEntry]
    total: int
    subject: str
    title: str
    about: str
    by: Sequence[str]
    text: str

    @property
    def newest(self) -> AuditEntryView:
        return self.entries[0].entry


def format_group(group: EntryGroup, names: Mapping[str, Named], labels: Mapping[str, str]) -> FormattedGroup:
    entries = [format_entry(entry, names, labels) for entry in group.entries]
    first = entries[0]
    shown = next((one for one in entries if one.entry.data.get("new") is not None), first)
    return FormattedGroup(
        entries=entries,
        total=group.total,
        subject=group.subject or first.entry.subject,
        title=first.title,
        about=next((one.about for one in entries if one.about), ""),
        by=list(dict.fromkeys(one.by for one in entries)),
        text=shown.text,
    )


def _about(entry: AuditEntryView, names: Mapping[str, Named]) -> str:
    kind, colon, rest = entry.subject.partition(":")
    parts = [str(entry.data.get("subject_id", "")), *(rest if colon else kind).split(":")]
    parts = [names[part].whole if part in names else write_element(part) for part in parts if part]
    if kind == "record" and entry.data.get("element"):
        parts.append(_lower(write_element(str(entry.data["element"]), str(entry.data.get("dimension", "")))))
    known = ", ".join(dict.fromkeys(part for part in parts if not _ID.fullmatch(part)))
    if not known.isdigit():
        return known
    return f"{translate(_NUMBERED[kind])} {known}" if kind in _NUMBERED else write_name(f"{kind} {known}")


def _text(entry: AuditEntryView, names: Mapping[str, Named]) -> Iterable[str]:
    data = entry.data
    if isinstance(data.get("new"), int | dict):
        old = data.get("old")
        new = _value(data["new"], data.get("currency"))
        yield translate("New: {value}", value=new) if old is None else f"{_value(old, data.get('currency'))} → {new}"
    channel = names.get(str(data.get("connection")))
    if isinstance(data.get("read"), int | dict):
        subject = names.get(entry.subject.partition(":")[2], Named(""))
        read = _value(data["read"], subject.currency)
        yield translate("{value} on {channel}", value=read, channel=channel.name) if channel else read
    if title := _title(data):  # the title already describes the code
        yield title
    for name, value in data.items():
        if name in _SHOWN_ELSEWHERE or (name == "code" and title) or value in (None, "", [], {}):
            continue
        yield _describe_item(name, value, names)


def _title(data: Mapping[str, Any]) -> str:
    """The title of an exception; entries from before messages had codes hold it as text."""
    if "message" in data:
        return write_title(StoredMessage(str(data["message"]), data.get("params") or {}), current_localizer())
    return str(data.get("title", ""))


def _describe_item(name: str, value: object, names: Mapping[str, Named]) -> str:
    if name == "code":
        return current_localizer().in_sentence(write_kind(str(value)))
    known = names.get(str(value))
    shown = known.name if known else value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"{name.replace('_', ' ')} {shown}"


def _value(value: Any, currency: Any) -> str:
    """A value of an entry; one from before values had types is an integer beside its currency."""
    if isinstance(value, int):
        return write_value(minor_money(value, str(currency)) if currency else quantity(value))
    return write_value(to_value(value))


def _lower(label: str) -> str:
    """The label within a sentence; the dimension keeps its letters."""
    name, middle, dimension = label.partition(" · ")
    return f"{current_localizer().in_sentence(name)}{middle}{dimension}"
