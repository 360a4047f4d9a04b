"""Searchable kinds of governance's objects."""

from typing import Final

from foundation.marks import N_
from foundation.search_sources import SearchSource
from governance.permissions import GovernancePermission
from governance.search.queries import (
    find_approvals,
    find_clients,
    find_connections,
    find_exceptions,
    find_fleet_approvals,
    find_fleet_connections,
    find_fleet_exceptions,
    find_fleet_records,
    find_records,
)

SOURCES: Final = (
    SearchSource(
        code="client", label=N_("Client"), icon="building", position=10, fleet=find_clients,
        permission=GovernancePermission.READ_FLEET,
    ),
    SearchSource(
        code="record", label=N_("Record"), icon="package", position=20, client=find_records, fleet=find_fleet_records,
        permission=GovernancePermission.READ_CHANGES,
    ),
    SearchSource(
        code="approval", label=N_("Pending approval"), icon="approve", position=30, client=find_approvals,
        fleet=find_fleet_approvals, permission=GovernancePermission.READ_APPROVALS,
    ),
    SearchSource(
        code="exception", label=N_("Exception"), icon="exception", position=40, client=find_exceptions,
        fleet=find_fleet_exceptions, permission=GovernancePermission.READ_EXCEPTIONS,
    ),
    SearchSource(
        code="connection", label=N_("Connection"), icon="link", position=50, client=find_connections,
        fleet=find_fleet_connections, permission=GovernancePermission.READ_CONNECTIONS,
    ),
)  # fmt: skip
