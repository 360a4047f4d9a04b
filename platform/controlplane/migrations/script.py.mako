"""${message}

Named by its time: `YYYYMMDDHHMM_what_it_does.py`, and that time is the revision. Must work beside the previous release's
code: add first, remove one release later. A stored function is changed in its file, which `replace_functions` applies.
"""

from alembic import op

revision = "${up_revision}"
down_revision = "${down_revision}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
