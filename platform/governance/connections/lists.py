"""The lists of connections and of element contracts."""

from typing import Final

from foundation.marks import N_
from foundation.web.csv_export import CsvColumn
from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from governance.connections.queries import list_connections, list_contracts
from governance.connections.schemas import ConnectionView, ContractView

CONNECTIONS: Final = ListDefinition[ConnectionView](
    name="connections",
    title=N_("Connections"),
    item=ConnectionView,
    load=list_connections,
    usual=200,
    filters=[
        TextFilter(name="search", label=N_("Name"), about="A part of the connection's name."),
        ChoiceFilter(
            name="environment",
            label=N_("Environment"),
            options=[("", N_("Any")), ("live", N_("Live")), ("sandbox", N_("Sandbox"))],
        ),
        TextFilter(name="partner", label=N_("Trading partner"), about="Id of a trading partner.", hidden=True),
    ],
    sorts=[
        Sort(
            name="role",
            label=N_("Sources first, then by name"),
            reverse_label=N_("Channels first"),
            keys=[SortKey("NOT n.is_source", "boolean"), SortKey("n.name"), SortKey("n.id", "uuid")],
        ),
        Sort(
            name="name",
            label=N_("By name"),
            reverse_label=N_("By name, descending"),
            keys=[SortKey("n.name"), SortKey("n.id", "uuid")],
        ),
    ],
    columns=[
        "id",
        "name",
        "kind",
        "is_source",
        "takes_webhooks",
        "writes",
        "base_url",
        "state",
        "environment",
        CsvColumn("health", lambda connection: connection.health),
        "partner",
        "last_success_at",
        "last_failure_at",
        "last_error",
        "last_message_at",
        "credentials_expire_on",
        "waiting",
        "oldest_waiting",
    ],
)
CONTRACTS: Final = ListDefinition[ContractView](
    name="contracts",
    title=N_("Data ownership"),
    item=ContractView,
    load=list_contracts,
    usual=200,
    filters=[
        TextFilter(name="element", label=N_("Element"), about="Code of the element, such as stock.on_hand."),
        TextFilter(name="selector", label=N_("Selector"), about="Selector of the contract, such as record_key=WH-*."),
    ],
    sorts=[
        Sort(
            name="element",
            label=N_("By element"),
            reverse_label=N_("By element, descending"),
            keys=[SortKey("k.element"), SortKey("k.selector")],
        )
    ],
    columns=[
        "element",
        "selector",
        "source",
        "owner",
        "workflow",
        "sensitivity",
        CsvColumn("rules", lambda one: one.rules or None),
        "channel_names",
        "propagation_slo",
        "correction_slo",
        "decision_slo",
        "approval_ttl",
        "version",
        "published_at",
    ],
)
