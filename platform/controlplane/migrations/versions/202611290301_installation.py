"""What an installation knows of itself: the access that stands at its revision, and its last backup."""

from alembic import op

from foundation.database.roles import RELAY

revision = "202611290301"
down_revision = "202611290300"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE installation (
            name varchar NOT NULL, value jsonb NOT NULL, recorded_at timestamptz NOT NULL,
            CONSTRAINT pk_installation PRIMARY KEY (name)
        )
    """)
    op.execute("ALTER TABLE installation ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE installation FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY installation_owner ON installation TO pg_database_owner USING (true)")
    # `fairlead doctor` asks how old the last backup is, on machines that do not have the owner's address.
    op.execute(f"CREATE POLICY installation_relay ON installation FOR SELECT TO {RELAY} USING (name = 'last_backup')")
    op.execute(f"GRANT SELECT ON installation TO {RELAY}")


def downgrade() -> None:
    op.execute("DROP TABLE installation")
