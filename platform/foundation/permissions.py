"""Permissions: declared once by the room that checks them."""

from typing import Any, ClassVar

from foundation.codes import LabelledCode


class Permission(LabelledCode):
    """Base of a room's permissions: `class ThingPermission(Permission, heading=N_("Things"))`. A code is `object:act`.

    `heading`: the heading of the room's permissions where people choose among them.
    """

    heading: ClassVar[str]

    def __init_subclass__(cls, *, heading: str = "", **rest: Any) -> None:
        super().__init_subclass__(**rest)
        cls.heading = heading
