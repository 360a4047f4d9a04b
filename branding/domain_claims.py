"""Proof that a host name belongs to the MSP, before a brand is shown under it: a TXT record with a random value.

Without this proof, an MSP could claim names of others: a host shows one brand only, in the whole installation.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from branding.audit_actions import BrandAction
from branding.hosts import normal_name, require_host
from branding.manage import find_brand, own_account, point_host
from branding.models import BrandDomainClaim
from foundation.audit.chain import append_audit
from foundation.errors import InvalidInput, NotFound
from foundation.marks import N_
from foundation.outbound.dns_txt import LookupFailed, TxtLookup

RECORD: Final = "_domain-verification"
"""First label of the record's name. It does not contain the product's name, because clients may see the zone."""
MOST_CLAIMS: Final = 50
_TOKEN_BYTES: Final = 24


class ClaimResult(StrEnum):
    """Result of the last check. A claim is removed once its record is found."""

    UNCHECKED = "unchecked"
    MISSING = "missing"
    DIFFERENT = "different"
    UNREACHABLE = "unreachable"


def record_name(host: str) -> str:
    return f"{RECORD}.{host}"


def new_token() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)


async def list_claims(session: AsyncSession, slug: str) -> Sequence[BrandDomainClaim]:
    """Claims for a brand, oldest first. Raises: NotFound."""
    brand = await find_brand(session, slug)
    wanted = select(BrandDomainClaim).where(BrandDomainClaim.brand_id == brand.id)
    return (await session.scalars(wanted.order_by(BrandDomainClaim.created_at, BrandDomainClaim.host))).all()


async def claim_host(session: AsyncSession, *, slug: str, host: str, now: datetime) -> BrandDomainClaim:
    """Return the claim of a host for a brand; create a claim if there is none.

    Raises:
        InvalidInput: no host name, or too many claims.
        NotFound: there is no such brand.
    """
    scope, brand = own_account(session), await find_brand(session, slug)
    name = require_host(host, is_public=True)
    known = await session.get(BrandDomainClaim, (scope.tenant_id, name))
    if known is not None:
        if brand.id is not None:
            known.brand_id = brand.id
        return known
    if (await session.scalar(select(func.count()).select_from(BrandDomainClaim)) or 0) >= MOST_CLAIMS:
        raise InvalidInput(
            N_("At most {most} domains can wait for their record. Remove one first."),
            params={"most": MOST_CLAIMS}, field="host",
        )  # fmt: skip
    claim = BrandDomainClaim(
        tenant_id=scope.tenant_id, msp_id=scope.msp_id, host=name, brand_id=brand.id, created_at=now,
        token=new_token(), checked_at=None, result=ClaimResult.UNCHECKED,
    )  # fmt: skip
    session.add(claim)
    append_audit(
        session, action=BrandAction.BRAND_DOMAIN_CLAIMED, subject=f"brand:{brand.id}", data={"host": name}, at=now
    )
    await session.flush()
    return claim


async def verify_host(session: AsyncSession, lookup: TxtLookup, *, slug: str, host: str, now: datetime) -> bool:
    """Look up the record. If it has the claim's token, the brand is shown under the host and the claim is removed;
    otherwise the result is stored with the claim.

    Raises:
        NotFound: there is no such claim.
        HostTaken: another MSP has the host.
    """
    claim = await _find(session, slug, host)
    result = await check_record(lookup, claim.host, claim.token)
    if result is not None:
        claim.checked_at, claim.result = now, result
        return False
    await point_host(session, slug=slug, host=claim.host, now=now)
    await session.delete(claim)
    return True


async def withdraw_claim(session: AsyncSession, *, slug: str, host: str) -> None:
    """Raises: NotFound."""
    claim = await _find(session, slug, host)
    await session.execute(delete(BrandDomainClaim).where(BrandDomainClaim.host == claim.host))


async def _find(session: AsyncSession, slug: str, host: str) -> BrandDomainClaim:
    brand, scope = await find_brand(session, slug), own_account(session)
    claim = await session.get(BrandDomainClaim, (scope.tenant_id, normal_name(host)), with_for_update=True)
    if claim is None or claim.brand_id != brand.id:
        raise NotFound(N_("{host} is not waiting for its record."), params={"host": host})
    return claim


async def check_record(lookup: TxtLookup, host: str, token: str) -> ClaimResult | None:
    """None if the record of `host` has the token."""
    try:
        found = await lookup(record_name(host))
    except LookupFailed:
        return ClaimResult.UNREACHABLE
    if not found:
        return ClaimResult.MISSING
    matches = [secrets.compare_digest(text.strip().encode(), token.encode()) for text in found]
    return None if any(matches) else ClaimResult.DIFFERENT
