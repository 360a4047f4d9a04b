"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="mail", update="content error sent_at state", purge=True, fleet=True, parameter="mail_id"),
    DeclaredTable(name="mail_attachment", delete=True),
    DeclaredTable(name="mail_server", update="from_address host password port tls updated_at username", delete=True),
)
