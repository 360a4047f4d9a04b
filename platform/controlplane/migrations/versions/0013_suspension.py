"""A suspended client's lanes rest, and the door for webhooks knows of it."""

from alembic import op

from foundation.database.rls import open_to_intake
from foundation.database.roles import INTAKE

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_EDITS = (
    (
        "lane_claim",
        "IF pool <> p_pool THEN status := 'moved'; RETURN; END IF;",
        (
            "IF pool <> p_pool THEN status := 'moved'; RETURN; END IF;\n"
            "    IF share.resting THEN status := 'paused'; RETURN; END IF;"
        ),
    ),
    (
        "lanes_due",
        "WHERE coalesce(l.lease_until, '-infinity') <= clock_timestamp()",
        "WHERE NOT coalesce(s.resting, false) AND coalesce(l.lease_until, '-infinity') <= clock_timestamp()",
    ),
    (
        "lane_backlog",
        "WHERE w.tenant_id = d.tenant_id AND w.lane = d.lane\n",
        (
            "WHERE w.tenant_id = d.tenant_id AND w.lane = d.lane\n"
            "           AND NOT EXISTS (SELECT 1 FROM lane_share s WHERE s.tenant_id = d.tenant_id AND s.resting)\n"
        ),
    ),
)


def upgrade() -> None:
    op.execute("ALTER TABLE lane_share ADD COLUMN resting boolean NOT NULL DEFAULT false")
    for function, before, after in _EDITS:
        _edit(function, before, after)
    open_to_intake(op, "client", grant="SELECT (tenant_id, status)")


def downgrade() -> None:
    op.execute(f"REVOKE SELECT (tenant_id, status) ON client FROM {INTAKE}")
    op.execute(f"DROP POLICY client_{INTAKE} ON client")
    for function, before, after in _EDITS:
        _edit(function, after, before)
    op.execute("ALTER TABLE lane_share DROP COLUMN resting")


def _edit(function: str, before: str, after: str) -> None:
    connection = op.get_bind()
    # Checking a body locks its tables, behind whoever holds them; the tests run every one of these.
    connection.exec_driver_sql("SET LOCAL check_function_bodies = off")
    source = connection.exec_driver_sql(f"SELECT pg_get_functiondef('{function}'::regproc)").scalar_one()
    if source.count(before) != 1:
        raise RuntimeError(f"{function} is not the function this migration changes")
    connection.exec_driver_sql(source.replace(before, after))
