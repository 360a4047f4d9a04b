"""Catalogue of this room's messages by code."""

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Final

from foundation.i18n.messages import LEGACY, MessageType, by_code
from governance.messages import exceptions, reasons, severity


def _declared(module: ModuleType) -> Iterator[MessageType]:
    return (value for value in vars(module).values() if isinstance(value, MessageType))


MESSAGES: Final[Mapping[str, MessageType]] = by_code(
    [LEGACY, *(one for module in (exceptions, reasons, severity) for one in _declared(module))]
)
