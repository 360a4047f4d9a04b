"""The table `person` becomes `member`, with its constraints, indexes and policies; checks of accounts lose `house`."""

from alembic import op

revision = "202611291140"
down_revision = "202611291125"
branch_labels = None
depends_on = None

_RENAME = """
ALTER TABLE person RENAME TO member;
ALTER INDEX ix_person_msp_id_email RENAME TO ix_member_msp_id_email;
ALTER TABLE msp RENAME CONSTRAINT ck_msp_house TO ck_msp_own_account;
ALTER TABLE client RENAME CONSTRAINT ck_client_not_house TO ck_client_not_msp_account;
DO $$
DECLARE
    old text;
BEGIN
    FOR old IN SELECT conname FROM pg_constraint WHERE conrelid = 'member'::regclass AND conname ~ '_person' LOOP
        EXECUTE format('ALTER TABLE member RENAME CONSTRAINT %I TO %I', old, replace(old, 'person', 'member'));
    END LOOP;
    FOR old IN SELECT polname FROM pg_policy WHERE polrelid = 'member'::regclass LOOP
        EXECUTE format('ALTER POLICY %I ON member RENAME TO %I', old, replace(old, 'person', 'member'));
    END LOOP;
END
$$;
"""


def upgrade() -> None:
    op.execute(_RENAME)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
