"""Structs of onboardings for pages, commands and the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody
from governance.onboarding.steps import CheckState, OnboardingCheck, OnboardingStep, StepState
from tenants.client_input import ClientInput


class StepView(msgspec.Struct, frozen=True):
    """A step with its state and its missing part, in the reader's language. `path`: the page where it is done."""

    step: OnboardingStep
    label: str
    state: StepState
    detail: str
    path: str


class WaiverView(msgspec.Struct, frozen=True):
    reason: str
    waived_by: str
    waived_at: datetime


class CheckView(msgspec.Struct, frozen=True):
    """A check of the go-live checklist. `waiver` stays when the check passes later."""

    check: OnboardingCheck
    label: str
    state: CheckState
    detail: str
    waiver: WaiverView | None


class OnboardingView(msgspec.Struct, frozen=True, kw_only=True):
    """A client's onboarding. `step`: the first step that is not done, or `live`. `since`: the time of the last change
    to any step. `seconds_to_first_sync`: from the client's creation to the first value that was read back from a
    channel; null until then. `holds_values`: values that the sources report are held until a baseline is accepted or
    skipped, or the client is live.
    """

    client: str
    name: str
    step: str
    since: datetime
    is_stuck: bool
    created_at: datetime
    started_at: datetime
    checked_at: datetime | None
    first_sync_at: datetime | None
    seconds_to_first_sync: int | None
    live_at: datetime | None
    live_by: str
    holds_values: bool
    steps: Sequence[StepView]
    checks: Sequence[CheckView]

    @property
    def is_ready(self) -> bool:
        """Whether the client may go live."""
        return all(check.state is not CheckState.FAILED for check in self.checks)

    @property
    def done(self) -> int:
        return sum(step.state in {StepState.DONE, StepState.OPTIONAL} for step in self.steps)


class OnboardingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One client in the list over all clients; `reason`: the missing part of its step, in the reader's language."""

    tenant_id: UUID
    client: str
    name: str
    step: str
    step_label: str
    reason: str
    since: datetime
    is_stuck: bool
    created_at: datetime
    first_sync_at: datetime | None
    seconds_to_first_sync: int | None
    live_at: datetime | None


class NewClientInput(ClientInput, frozen=True, kw_only=True):
    """A client to create. `template_id`: the template that it follows from the start."""

    template_id: UUID | None = None


class WaiverInput(RequestBody, frozen=True):
    """The reason of a waiver; recorded in the audit trail."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
