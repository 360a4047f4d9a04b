"""`make shell`: psql on the demonstration or installation that runs here. Arguments are passed on to psql.

With embedded servers psql runs as the superuser, who sees every tenant's rows; with external servers as the owner, who
sees the rows of the tenant that `app.tenant_id` names.
"""

import os
import sys
from collections.abc import Mapping

from psycopg.conninfo import conninfo_to_dict

from controlplane.embedded.paths import postgres_programs
from controlplane.installation import find_installation, find_settings, names_servers
from foundation.settings import SettingsInvalid

_VARIABLES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}


def find_database(environment: Mapping[str, str]) -> str:
    """Address of the running installation's database; without one, the error names the command to start it."""
    found = None if names_servers(environment) else find_installation(environment)
    return (
        found.admin_url if found is not None else find_settings(environment, vault_needed=False, partial=True).owner_url
    )


def psql_environment(address: str) -> dict[str, str]:
    """The address for psql in its environment, because every user of the machine may read arguments."""
    parts = conninfo_to_dict(address)
    return {variable: str(parts[name]) for name, variable in _VARIABLES.items() if parts.get(name)}


if __name__ == "__main__":
    try:
        address = find_database(os.environ)
    except SettingsInvalid as error:
        sys.exit(str(error))
    os.execve(postgres_programs() / "psql", ["psql", *sys.argv[1:]], {**os.environ, **psql_environment(address)})  # noqa: S606
