"""Kinds of notifications: declared once by the room in which the cause happens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_


class NoticeSeverity(LabelledCode):
    INFO = "info", N_("Information")
    WARNING = "warning", N_("Warning")
    CRITICAL = "critical", N_("Critical")

    @property
    def rank(self) -> int:
        return list(type(self)).index(self)


@dataclass(frozen=True, slots=True)
class NotificationKind:
    """A kind of notification. `text` is the sentence of one cause, with the placeholders of its parameters; `many` that
    of several, with `number`. Both name events, not open work, because texts are not rewritten later. Members with
    `permission` receive it, those of the MSP only if `staff`. `path` is the page of several causes, after the account's
    root. One of a `partner` goes to the members of the trading partner that the cause names, and to nobody else.
    """

    code: str
    label: str
    text: str
    many: str
    severity: NoticeSeverity
    permission: str
    path: str
    staff: bool = True
    partner: bool = False

    def __post_init__(self) -> None:
        _KINDS[self.code] = self


_KINDS: Final[dict[str, NotificationKind]] = {}


def known_kinds() -> Mapping[str, NotificationKind]:
    """Kinds by code, of the modules imported so far. Every process of the product imports all modules with kinds."""
    return dict(sorted(_KINDS.items()))


def kinds_for(*, is_partner: bool) -> Mapping[str, NotificationKind]:
    """Kinds that members of a trading partner, or all other members, can get."""
    return {code: kind for code, kind in known_kinds().items() if kind.partner is is_partner}
