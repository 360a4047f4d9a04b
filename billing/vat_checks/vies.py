"""VIES, the register of the European Commission, over the guarded outbound client."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from billing.vat_register.port import VatResult, VatStatus
from foundation.decoding import decode_json
from foundation.outbound.client import OutboundClient
from foundation.outbound.errors import OutboundHeld, OutboundUnavailable

URL: Final = "https://ec.europa.eu/taxation_customs/vies/rest-api/check-vat-number"
_INVALID: Final = frozenset({"INVALID", "INVALID_INPUT"})
_RATE: Final = 1.0
_BURST: Final = 5
_HIDDEN: Final = "---"
"""In place of a name that the member state does not publish."""


@dataclass(frozen=True, slots=True)
class ViesRegister:
    """`tenant_id`: the account whose rate limit the requests count against."""

    outbound: OutboundClient
    tenant_id: UUID
    url: str = URL

    async def check(self, vat_id: str, *, requester: str) -> VatResult:
        asked = {"countryCode": vat_id[:2], "vatNumber": vat_id[2:]}
        if requester:
            asked |= {"requesterMemberStateCode": requester[:2], "requesterNumber": requester[2:]}
        caller = self.outbound.for_credential(self.tenant_id, "vies", _RATE, _BURST)
        headers = {"content-type": "application/json", "accept": "application/json"}
        try:
            answer = await caller.request("POST", self.url, headers=headers, content=msgspec.json.encode(asked))
        except OutboundHeld:
            raise
        except OutboundUnavailable:
            return VatResult(VatStatus.UNAVAILABLE, reason="NO_ANSWER")
        try:
            return read_answer(decode_json(answer.content))
        except (msgspec.MsgspecError, ValueError):
            return VatResult(VatStatus.UNAVAILABLE, reason=f"HTTP_{answer.status_code}")


def read_answer(answer: Any) -> VatResult:
    """The result in an answer; only an explicit `valid` or `INVALID…` is one."""
    if not isinstance(answer, dict):
        return VatResult(VatStatus.UNAVAILABLE, reason="UNREADABLE")
    wrapped = answer.get("errorWrappers")
    first = wrapped[0] if isinstance(wrapped, list) and wrapped and isinstance(wrapped[0], dict) else {}
    error = str(first.get("error") or answer.get("userError") or "").upper()
    valid = answer.get("valid")
    if error in _INVALID:
        valid = False
    elif error not in {"", "VALID"}:
        valid = None
    if not isinstance(valid, bool):
        return VatResult(VatStatus.UNAVAILABLE, reason=error[:60] or "UNREADABLE")
    name = str(answer.get("name") or "")
    return VatResult(
        VatStatus.VALID if valid else VatStatus.INVALID, str(answer.get("requestIdentifier") or "")[:60],
        _time(answer.get("requestDate")), "" if name == _HIDDEN else name[:200],
    )  # fmt: skip


def _time(written: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
