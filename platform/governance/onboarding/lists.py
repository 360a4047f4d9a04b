"""The list of onboardings of all clients."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition
from foundation.web.pagination import Sort, SortKey
from governance.onboarding.queries import LIVE, list_onboardings
from governance.onboarding.schemas import OnboardingRow
from governance.onboarding.steps import OnboardingStep

_ID: Final = SortKey("f.tenant_id", "uuid")

ONBOARDINGS: Final = ListDefinition[OnboardingRow](
    name="onboardings",
    title=N_("Onboarding"),
    item=OnboardingRow,
    load=list_onboardings,
    filters=[
        ChoiceFilter(
            name="status",
            label=N_("State"),
            options=[("", N_("Any")), ("open", N_("Not live yet")), ("stuck", N_("Stuck")), (LIVE, N_("Live"))],
        ),
        ChoiceFilter(
            name="step",
            label=N_("Step"),
            options=[("", N_("Any")), *((str(step), step.label) for step in OnboardingStep), (LIVE, N_("Live"))],
        ),
    ],
    sorts=[
        Sort(
            name="since",
            label=N_("Longest without progress first"),
            reverse_label=N_("Latest progress first"),
            keys=[SortKey("f.latest_at", "timestamptz"), _ID],
        ),
        Sort(
            name="name",
            label=N_("By name"),
            reverse_label=N_("By name, descending"),
            keys=[SortKey("f.name"), _ID],
        ),
    ],
    columns=[
        "client",
        "name",
        "step",
        "reason",
        "since",
        "is_stuck",
        "created_at",
        "first_sync_at",
        "seconds_to_first_sync",
        "live_at",
    ],
)
