"""E-mail addresses of members in the form in which sign-in compares them.

Of two members of one account whose addresses become the same, both keep theirs: an administrator has to tell which of
the two stays, and suspends the other.
"""

from alembic import op
from sqlalchemy import text

from foundation.text import TextInvalid, normalize_email

revision = "202611290805"
down_revision = "202611290815"
branch_labels = None
depends_on = None

_AFFECTED = text("SELECT tenant_id, id, email FROM person WHERE email ~ '[^ -~]' OR email ~ 'xn--|[.]$' FOR UPDATE")
_RENAME = text("""
    UPDATE person SET email = :email WHERE tenant_id = :tenant_id AND id = :id
       AND NOT EXISTS (SELECT FROM person o WHERE o.tenant_id = :tenant_id AND o.email = :email)
""")


def upgrade() -> None:
    connection = op.get_bind()
    op.execute("ALTER TABLE person NO FORCE ROW LEVEL SECURITY")
    for row in connection.execute(_AFFECTED).all():
        try:
            email = normalize_email(row.email)
        except TextInvalid:
            continue
        connection.execute(_RENAME, {"email": email, "tenant_id": row.tenant_id, "id": row.id})
    op.execute("ALTER TABLE person FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """The addresses mean the same people."""
