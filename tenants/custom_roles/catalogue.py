"""Permissions that an account's roles can have, by room, and the pages that a set of them shows."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.permissions import Permission
from foundation.rooms import NavArea, NavEntry, Rooms
from policy.index import PolicyIndex, permissions_of
from policy.packaged import CLIENT_ROLES, MSP_ROLES
from tenants.principal import Principal

_READS: Final = ":read"
_AREAS: Final = {
    NavArea.MSP: N_("All clients"),
    NavArea.CLIENT: N_("Inside a client"),
}


@dataclass(frozen=True, slots=True)
class PermissionChoice:
    """A permission of the form. `held`: the reader has the permission, so may grant it."""

    code: str
    label: str
    held: bool
    chosen: bool


@dataclass(frozen=True, slots=True)
class PermissionGroup:
    title: str
    choices: Sequence[PermissionChoice]

    @property
    def chosen(self) -> int:
        return sum(choice.chosen for choice in self.choices)


@dataclass(frozen=True, slots=True)
class SeenArea:
    """Entries of one part of the menu: those that the role shows and those that it does not."""

    title: str
    shown: Sequence[NavEntry]
    hidden: Sequence[NavEntry]

    @property
    def hidden_labels(self) -> list[str]:
        return [translate(one.label) for one in self.hidden]


@dataclass(frozen=True, slots=True)
class RolePreview:
    """The preview of a member with only these permissions. `actions` are labels of permitted actions."""

    areas: Sequence[SeenArea]
    actions: Sequence[str]
    sees_nothing: bool = field(default=False)


class PermissionCatalogue:
    """Permissions and menu of the product's rooms."""

    def __init__(self, rooms: Rooms) -> None:
        self._kinds: tuple[type[Permission], ...] = rooms.every(lambda room: room.permissions)
        self._entries: tuple[NavEntry, ...] = rooms.every(lambda room: room.navigation)

    def codes_of(self, index: PolicyIndex, *, in_msp_account: bool) -> frozenset[str]:
        """Permissions that roles of the account can have: those of its packaged roles."""
        packaged = permissions_of(index, tuple(MSP_ROLES if in_msp_account else CLIENT_ROLES))
        return packaged & {str(one) for kind in self._kinds for one in kind}

    def groups(self, allowed: Collection[str], by: Principal, chosen: Collection[str]) -> list[PermissionGroup]:
        """The choices of the form, by room."""
        made = []
        for kind in self._kinds:
            choices = [
                PermissionChoice(str(one), translate(one.label), by.may(one), str(one) in chosen)
                for one in kind
                if str(one) in allowed
            ]
            if choices:
                made.append(PermissionGroup(translate(kind.heading or kind.__name__), choices))
        return made

    def preview(self, permissions: Collection[str], *, in_msp_account: bool, partner: bool = False) -> RolePreview:
        areas = [NavArea.PARTNER] if partner else [NavArea.MSP, NavArea.CLIENT] if in_msp_account else [NavArea.CLIENT]
        seen = [self._area(area, permissions) for area in areas]
        actions = [
            translate(one.label)
            for kind in self._kinds
            for one in kind
            if str(one) in permissions and not one.endswith(_READS)
        ]
        return RolePreview(seen, actions, sees_nothing=not any(area.shown for area in seen))

    def labels(self, codes: Iterable[str]) -> list[str]:
        """Labels of permissions, in the rooms' order; a code of another release as itself."""
        known = {str(one): translate(one.label) for kind in self._kinds for one in kind}
        wanted = set(codes)
        return [label for code, label in known.items() if code in wanted] + sorted(wanted - known.keys())

    def _area(self, area: NavArea, permissions: Collection[str]) -> SeenArea:
        entries = sorted((one for one in self._entries if one.area is area), key=lambda one: one.place)
        shown = [one for one in entries if str(one.permission) in permissions]
        title = translate(_AREAS[area]) if area in _AREAS else ""
        return SeenArea(title, shown, [one for one in entries if one not in shown])
