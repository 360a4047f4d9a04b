"""Catalogue of this room's messages by code."""

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Final

import canonical.problems
import foundation.i18n.messages
import foundation.jobs.messages
import foundation.outbound.messages
import policy.messages
import policy.term_messages
import tenants.mail.messages
from canonical.problems import Problem, ProblemType
from connectors.message_modules import MESSAGE_MODULES
from foundation.i18n.messages import MessageType, by_code
from governance.messages import exceptions, reasons, severity

_DECLARED: Final = (
    foundation.i18n.messages, foundation.jobs.messages, foundation.outbound.messages, policy.messages,
    policy.term_messages, tenants.mail.messages, *MESSAGE_MODULES, exceptions, reasons, severity,
)  # fmt: skip


def _types(module: ModuleType) -> Iterator[MessageType]:
    return (value for value in vars(module).values() if isinstance(value, MessageType))


def _problems() -> Iterator[MessageType]:
    """Reasons declared by `canonical`, which imports no other package."""
    for value in vars(canonical.problems).values():
        if isinstance(value, Problem | ProblemType):
            yield MessageType(value.code, value.text)


_RENAMED: Final = {
    "connector.said": "connector.system_text",
    "translation.source_says": "translation.source_report",
    "translation.source_says_why": "translation.source_report_reason",
    "tryton.session_forgotten": "tryton.session_ended",
}
"""Codes in rows that earlier versions stored."""
_BY_CODE: Final = by_code([*(one for module in _DECLARED for one in _types(module)), *_problems()])
MESSAGES: Final[Mapping[str, MessageType]] = _BY_CODE | {old: _BY_CODE[new] for old, new in _RENAMED.items()}
