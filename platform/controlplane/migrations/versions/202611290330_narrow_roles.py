"""The relay and intake may do what they do, and nothing else: by definer functions, and by a check of each row.

Before, the relay could enqueue jobs of any kind for anybody and set every timer, and intake could read every sealed
secret and store messages for connections that take none.
"""

from alembic import op

from foundation.database.roles import INTAKE, RELAY

revision = "202611290330"
down_revision = "202611290319"
branch_labels = None
depends_on = None

# Row-level security is forced on the owner, too. Its policies hold only inside the functions, which set this.
_BY_RELAY = "current_setting('app.definer', true) = 'relay'"
_BEGIN = "PERFORM set_config('app.definer', 'relay', true);"
_END = "PERFORM set_config('app.definer', '', true);"
_TIMERS = """
CREATE OR REPLACE FUNCTION timers_fire() RETURNS integer
LANGUAGE {language} {rights} AS $$ {begin}
    WITH due AS (
        SELECT t.tenant_id, t.name FROM public.timer t WHERE t.due_at <= clock_timestamp()
         ORDER BY t.due_at LIMIT 1000 FOR UPDATE SKIP LOCKED
    ), fired AS (
        UPDATE public.timer t SET due_at = NULL FROM due WHERE t.tenant_id = due.tenant_id AND t.name = due.name
        RETURNING t.tenant_id, t.msp_id, t.lane, t.kind, t.name
    ), put AS (
        INSERT INTO public.work (tenant_id, msp_id, lane, kind, key)
        SELECT tenant_id, msp_id, lane, kind, name FROM fired
        RETURNING 1
    )
    SELECT count(*)::integer {into} FROM put; {end}
$$
"""
_REPAIRS = """
CREATE OR REPLACE FUNCTION repairs_fire() RETURNS integer
LANGUAGE {language} {rights} AS $$ {begin}
    WITH due AS (
        SELECT s.tenant_id FROM public.lane_share s
         WHERE s.repair_at <= clock_timestamp() AND NOT s.resting
         ORDER BY s.repair_at LIMIT 20 FOR UPDATE SKIP LOCKED
    ), set_next AS (
        UPDATE public.lane_share s SET repair_at = clock_timestamp() + interval '5 minutes' * (0.5 + random())
          FROM due WHERE s.tenant_id = due.tenant_id RETURNING s.tenant_id, s.msp_id
    ), put AS (
        INSERT INTO public.work (tenant_id, msp_id, lane, kind, key)
        SELECT n.tenant_id, n.msp_id, 'repair', 'foundation.repair_timers', 'repair' FROM set_next n
         WHERE NOT EXISTS (SELECT 1 FROM public.work w WHERE w.tenant_id = n.tenant_id AND w.lane = 'repair')
        RETURNING 1
    )
    SELECT count(*)::integer {into} FROM put; {end}
$$
"""
_DEFINER = {
    "language": "plpgsql", "rights": "SECURITY DEFINER SET search_path = pg_catalog", "into": "INTO v_count",
    "begin": f"DECLARE v_count integer; BEGIN {_BEGIN}", "end": f"{_END} RETURN v_count; END",
}  # fmt: skip
_INVOKER = {"language": "sql", "rights": "", "into": "", "begin": "", "end": ""}
# What the relay's invoker functions and doctor look at: that a lane has work, whose it is, and when. Nothing of it.
_RELAY = {
    "work": "tenant_id, msp_id, lane, seq, held, ready_at",
    "lane": "tenant_id, name, lease_until, paused_until",
    "lane_share": "tenant_id, msp_id, pool, weight, resting",
    "timer": "due_at",
}
_FITS = (
    "EXISTS (SELECT 1 FROM connection c WHERE c.tenant_id = {t}.tenant_id AND c.msp_id = {t}.msp_id AND c.id = {id})"
)
_EVENT = "via = 'webhook' AND " + _FITS
_JOB = (
    "kind = 'governance.ingest' AND ref IS NOT NULL AND lane = 'ingest/' || key"
    " AND (body IS NULL OR body = '{{\"id_conflict\": true}}') AND " + _FITS
)


def upgrade() -> None:
    for statement in (_TIMERS, _REPAIRS):
        op.execute(statement.format(**_DEFINER))
    for table in ("timer", "work", "lane_share"):
        op.execute(
            f"CREATE POLICY {table}_definer ON {table} TO pg_database_owner"
            f" USING ({_BY_RELAY}) WITH CHECK ({_BY_RELAY})"
        )
    op.execute("REVOKE ALL ON FUNCTION timers_fire(), repairs_fire() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION timers_fire(), repairs_fire() TO {RELAY}")
    for table, columns in _RELAY.items():
        op.execute(f"REVOKE ALL ON {table} FROM {RELAY}")
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO {RELAY}")
        op.execute(f"DROP POLICY {table}_{RELAY} ON {table}")
        op.execute(f"CREATE POLICY {table}_{RELAY} ON {table} FOR SELECT TO {RELAY} USING (true)")
    for table in ("connection", "client", "vault_key"):
        op.execute(f"DROP POLICY {table}_{INTAKE} ON {table}")
        op.execute(f"CREATE POLICY {table}_{INTAKE} ON {table} FOR SELECT TO {INTAKE} USING (true)")
    op.execute(f"DROP POLICY connection_secret_{INTAKE} ON connection_secret")
    op.execute(
        f"CREATE POLICY connection_secret_{INTAKE} ON connection_secret FOR SELECT TO {INTAKE}"
        " USING (name IN ('webhook_secret', 'webhook_secret.previous'))"
    )
    for table in ("source_event", "source_event_key"):
        op.execute(f"DROP POLICY {table}_{INTAKE} ON {table}")
        op.execute(f"CREATE POLICY {table}_{INTAKE} ON {table} FOR SELECT TO {INTAKE} USING (true)")
        fits = _EVENT.format(t=table, id=f"{table}.connection_id")
        op.execute(f"CREATE POLICY {table}_{INTAKE}_insert ON {table} FOR INSERT TO {INTAKE} WITH CHECK ({fits})")
    op.execute(f"DROP POLICY work_{INTAKE} ON work")
    fits = _JOB.format(t="work", id="work.key::uuid")
    op.execute(f"CREATE POLICY work_{INTAKE} ON work FOR INSERT TO {INTAKE} WITH CHECK ({fits})")
    op.execute(f"REVOKE INSERT ON work FROM {INTAKE}")
    op.execute(f"GRANT INSERT (tenant_id, msp_id, lane, kind, key, ref, body, correlation) ON work TO {INTAKE}")


def downgrade() -> None:
    for statement in (_TIMERS, _REPAIRS):
        op.execute(statement.format(**_INVOKER))
        op.execute(statement.split("(")[0].replace("CREATE OR REPLACE", "ALTER") + "() SECURITY INVOKER RESET ALL")
    for table in ("timer", "work", "lane_share"):
        op.execute(f"DROP POLICY {table}_definer ON {table}")
    op.execute(f"GRANT SELECT ON lane, lane_share, timer TO {RELAY}")
    op.execute(f"GRANT INSERT ON work TO {RELAY}, {INTAKE}")
    op.execute(f"GRANT UPDATE (due_at) ON timer TO {RELAY}")
    op.execute(f"GRANT UPDATE (repair_at) ON lane_share TO {RELAY}")
    for table in ("source_event", "source_event_key"):
        op.execute(f"DROP POLICY {table}_{INTAKE}_insert ON {table}")
    for role, tables in (
        (RELAY, _RELAY),
        (
            INTAKE,
            ("connection", "client", "vault_key", "connection_secret", "source_event", "source_event_key", "work"),
        ),
    ):
        for table in tables:
            op.execute(f"DROP POLICY {table}_{role} ON {table}")
            op.execute(f"CREATE POLICY {table}_{role} ON {table} TO {role} USING (true) WITH CHECK (true)")
