"""Filter of lists by assignee."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from foundation.marks import N_
from foundation.scope import Actor
from foundation.web.lists import ChoiceFilter
from governance.assignments.schemas import ME

ASSIGNED: Final = ChoiceFilter(
    name="assigned",
    label=N_("Assigned to"),
    options=[("", N_("Anyone")), (ME, N_("Me")), ("nobody", N_("Nobody"))],
    about="`me`: to the caller, or the member who created the API key. `nobody`: to no one.",
)


def assigned_condition(value: str, *, tenant: str, subject: str) -> str:
    """As SQL: the condition of the filter's value. `tenant` and `subject` are the columns of the list's rows; the binds
    are those of `assigned_binds`.
    """
    rows = f"SELECT 1 FROM item_assignment ia WHERE ia.tenant_id = {tenant} AND ia.subject_id = {subject}"
    return f"EXISTS ({rows} AND ia.member_id = CAST(:me AS uuid))" if value == ME else f"NOT EXISTS ({rows})"


def assigned_binds(value: str, actor: Actor) -> Mapping[str, Any]:
    """Binds of the condition. During an impersonation, `me` is the impersonated member."""
    if value != ME:
        return {}
    return {"me": UUID(actor.looks_as) if actor.looks_as else actor.responsible_member_id}
