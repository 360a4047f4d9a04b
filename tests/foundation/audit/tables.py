"""Tables and the rights on them, for the tests of isolation."""

import hashlib

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="audit_anchor", insert=False),
    DeclaredTable(
        name="audit_entry", watched=True, row={"seq": 1, "body": "x", "hash": hashlib.sha256(bytes(32) + b"x").digest()}
    ),
    DeclaredTable(name="audit_head", update="hash seq", fleet=True, row={"seq": 0, "hash": bytes(32)}),
)
