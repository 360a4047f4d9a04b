"""Codes that are declared once, each with the label that people see: English, marked with `N_`."""

from collections.abc import Callable
from enum import StrEnum
from typing import Self


class LabelledCode(StrEnum):
    """Base of enumerations of such codes. A member's value is its code, followed by its label."""

    label: str

    def __new__(cls, code: str, label: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.label = label
        return member

    @classmethod
    def of(cls, code: str) -> Self:
        """The member with this code. Raises ValueError."""
        by_code: Callable[[str], Self] = cls  # the constructor that type checkers see takes the label too
        return by_code(code)
