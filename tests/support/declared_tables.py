"""A table as `tables.py` in the test folder of its slice declares it, for the tests of isolation."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class DeclaredTable:
    """The rights of the database's roles on a table, and what the tests need to write a row of it.

    `update`: columns that the application changes. Columns that identify a row, or record what was decided, sent or
    measured, are never among them. `delete`: a job or a page deletes rows. `purge`: retention deletes rows, in the
    purge role. `fleet`: an MSP's staff read the table across their clients; no session, key, secret, message or
    retention rule is read so, of the policy only who may do what and which rule of theirs a client replaces, and of
    what is held and compared only that it is.

    `row`: values of columns that a check constraint restricts. `parameter`: the parameter of addresses that names a
    row. `watched`: the canary compares all rows of the table before and after the requests of another tenant.
    """

    name: str
    insert: bool = True
    update: str = ""
    delete: bool = False
    purge: bool = False
    fleet: bool = False
    row: Mapping[str, object] = field(default_factory=dict)
    parameter: str = ""
    watched: bool = False

    @property
    def rights(self) -> set[str]:
        """The application's rights."""
        verbs = {"SELECT", *(["INSERT"] if self.insert else []), *(["DELETE"] if self.delete else [])}
        return verbs | ({f"UPDATE ({self.update})"} if self.update else set())
