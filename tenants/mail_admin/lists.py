"""The list of mails."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from tenants.mail.states import MailState
from tenants.mail_admin.queries import list_mails
from tenants.mail_admin.schemas import MailView

MAILS: Final = ListDefinition[MailView](
    name="mails",
    title=N_("Mails"),
    item=MailView,
    load=list_mails,
    filters=[
        TextFilter(name="search", label=N_("Address"), about="Part of the address, in upper or lower case."),
        ChoiceFilter(
            name="status",
            label=N_("State"),
            options=[("", N_("Any")), *((state.value, state.label) for state in MailState)],
        ),
    ],
    sorts=[
        Sort(
            name="-created",
            label=N_("Newest first"),
            reverse_label=N_("Oldest first"),
            keys=[SortKey("m.id", "uuid", descending=True)],
        )
    ],
    columns=["id", "account", "kind", "recipient", "state", "created_at", "sent_at", "error"],
)
