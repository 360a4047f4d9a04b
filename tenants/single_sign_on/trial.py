"""A trial of an account's provider: a complete sign-in by an administrator that signs nobody in and creates nobody."""

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from tenants.single_sign_on.enter import preview_roles
from tenants.single_sign_on.flow import PendingRedirect, ProviderAnswer, account_scope, read_identity
from tenants.single_sign_on.provider_settings import note_trial
from tenants.single_sign_on.service import SingleSignOn

TRIAL_TICKET: Final = "single-sign-on-trial"
_RESULT: Final = "single-sign-on-result"


class TrialTicket(msgspec.Struct, frozen=True):
    """Permission of a member to try an account's provider. `page` is the one of its settings."""

    account_id: UUID
    member_id: UUID
    page: str


class TrialResult(msgspec.Struct, frozen=True):
    """`refused` is the message of a sign-in that would be refused; `roles` are those after the sign-in."""

    account_id: UUID
    refused: str = ""
    subject: str = ""
    email: str = ""
    name: str = ""
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


async def allow_trial(sso: SingleSignOn, msp_id: UUID, ticket: TrialTicket) -> str:
    """Text of the ticket, for the page that starts the trial."""
    return await sso.auth.tickets.issue(msp_id, TRIAL_TICKET, ticket)


async def finish_trial(sso: SingleSignOn, answer: ProviderAnswer, pending: PendingRedirect) -> str:
    """Address of the page that shows the result."""
    result = await _try(sso, answer, pending)
    text = await sso.auth.tickets.issue(answer.msp_id, _RESULT, result)
    return f"{pending.target}?{urlencode({'tried': text})}"


async def find_result(sso: SingleSignOn, msp_id: UUID, account_id: UUID, text: str) -> TrialResult | None:
    found = await sso.auth.tickets.find(msp_id, _RESULT, text, TrialResult) if text else None
    return found if found is not None and found.account_id == account_id else None


async def _try(sso: SingleSignOn, answer: ProviderAnswer, pending: PendingRedirect) -> TrialResult:
    try:
        identity = await read_identity(sso, answer, pending)
    except DomainError as refusal:
        return TrialResult(answer.account_id, refused=refusal.detail)
    async with sso.auth.db.transaction(account_scope(answer.msp_id, answer.account_id)) as session:
        roles, problem = await preview_roles(session, identity)
        if problem is None:
            now = sso.auth.clock()
            await note_trial(session, issuer=pending.issuer, client_id=pending.client_id, now=now)
    refused = translate(problem.label) if problem else ""
    return TrialResult(
        answer.account_id, refused=refused, subject=identity.subject, email=identity.email,
        name=identity.name, groups=identity.groups, roles=tuple(roles),
    )  # fmt: skip
