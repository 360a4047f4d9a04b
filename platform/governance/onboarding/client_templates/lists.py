"""Lists of an MSP's templates, and of the clients that follow them."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.onboarding.client_templates.queries import list_template_clients, list_templates
from governance.onboarding.client_templates.schemas import TemplateClientRow, TemplateRow

CLIENT_TEMPLATES: Final = ListDefinition[TemplateRow](
    name="client-templates",
    title=N_("Client templates"),
    item=TemplateRow,
    load=list_templates,
    sorts=[
        Sort(
            name="name",
            label=N_("By name"),
            reverse_label=N_("By name, descending"),
            keys=[SortKey("t.name"), SortKey("t.id", "uuid")],
        ),
        Sort(
            name="changed_at",
            label=N_("Longest unchanged first"),
            reverse_label=N_("Latest change first"),
            keys=[SortKey("t.changed_at", "timestamptz"), SortKey("t.id", "uuid")],
        ),
    ],
    columns=["id", "name", "version", "changed_at", "clients", "behind"],
)
TEMPLATE_CLIENTS: Final = ListDefinition[TemplateClientRow](
    name="template-clients",
    title=N_("Clients by template"),
    item=TemplateClientRow,
    load=list_template_clients,
    filters=[
        TextFilter(name="template", label=N_("Template"), about="The exact name of a template."),
        ChoiceFilter(
            name="status",
            label=N_("Version"),
            options=[("", N_("Any")), ("behind", N_("An earlier one")), ("current", N_("The newest"))],
        ),
        ChoiceFilter(
            name="drift",
            label=N_("Difference"),
            options=[("", N_("Any")), ("drifting", N_("Drifting")), ("same", N_("As in the template"))],
        ),
    ],
    sorts=[
        Sort(
            name="client",
            label=N_("By client"),
            reverse_label=N_("By client, descending"),
            keys=[SortKey("c.name"), SortKey("u.tenant_id", "uuid")],
        ),
        Sort(
            name="applied_at",
            label=N_("Longest unchanged first"),
            reverse_label=N_("Latest change first"),
            keys=[SortKey("u.applied_at", "timestamptz"), SortKey("u.tenant_id", "uuid")],
        ),
    ],
    columns=[
        "client",
        "client_name",
        "template",
        "version",
        "latest",
        "applied_at",
        "differing",
        "missing",
        "waiting",
        "kept",
        "summary",
    ],
)
