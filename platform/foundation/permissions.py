"""Permissions: declared once by the room that checks them, each with the label that people see."""

from enum import StrEnum
from typing import Self


class Permission(StrEnum):
    """Base of a room's permissions. A member's value is its code, `object:act`, followed by its label."""

    label: str

    def __new__(cls, code: str, label: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.label = label
        return member
