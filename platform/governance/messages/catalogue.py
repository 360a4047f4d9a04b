"""Catalogue of this room's messages by code."""

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Final

import connectors.messages
import policy.messages
from foundation.i18n.messages import LEGACY, MessageType, by_code
from governance.messages import exceptions, reasons, severity

_DECLARED: Final = (connectors.messages, exceptions, policy.messages, reasons, severity)


def _types(module: ModuleType) -> Iterator[MessageType]:
    return (value for value in vars(module).values() if isinstance(value, MessageType))


MESSAGES: Final[Mapping[str, MessageType]] = by_code([LEGACY, *(one for module in _DECLARED for one in _types(module))])
