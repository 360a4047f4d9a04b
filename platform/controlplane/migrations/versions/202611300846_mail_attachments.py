"""Files of mails that are not sent yet."""

from alembic import op

from foundation.database.rls import protect

revision = "202611300846"
down_revision = "202611300845"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE mail_attachment (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    mail_id uuid NOT NULL,
    name varchar NOT NULL,
    media_type varchar NOT NULL,
    file bytea NOT NULL,
    CONSTRAINT pk_mail_attachment PRIMARY KEY (tenant_id, mail_id, name),
    CONSTRAINT fk_mail_attachment_tenant_id_mail_id FOREIGN KEY (tenant_id, mail_id)
        REFERENCES mail (tenant_id, id) ON DELETE CASCADE
);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "mail_attachment", app="SELECT, INSERT, DELETE")


def downgrade() -> None:
    op.execute("DROP TABLE mail_attachment")
