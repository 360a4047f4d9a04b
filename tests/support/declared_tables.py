"""Declaration of a table in `tables.py` of its slice's test folder, for the tests of isolation."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class DeclaredTable:
    """The rights of the database's roles on a table, and the values with which tests write a row.

    `update`: columns that the application changes. Columns that identify a row, or record a decision, a delivery
    or a measurement, are never among them. `delete`: a job or a page deletes rows. `purge`: retention deletes rows, in
    the purge role. `fleet`: an MSP's staff read the table across their clients; never sessions, keys, secrets, messages
    or retention rules; of the policy only permissions and the replaced rules of the MSP; of held and compared values
    only their existence.

    `row`: values of columns that a check constraint restricts. `parameter`: the parameter of addresses that names a
    row, by its `key`. `watched`: the canary compares all rows of the table before and after the requests of another
    tenant.
    """

    name: str
    insert: bool = True
    update: str = ""
    delete: bool = False
    purge: bool = False
    fleet: bool = False
    row: Mapping[str, object] = field(default_factory=dict)
    parameter: str = ""
    key: str = "id"
    watched: bool = False

    @property
    def rights(self) -> set[str]:
        """The application's rights."""
        verbs = {"SELECT", *(["INSERT"] if self.insert else []), *(["DELETE"] if self.delete else [])}
        return verbs | ({f"UPDATE ({self.update})"} if self.update else set())
