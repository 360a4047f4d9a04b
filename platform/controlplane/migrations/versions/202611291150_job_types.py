"""Job types are named `<room>.<verb_noun>`, lanes in common terms; payloads have the fields of their types."""

from alembic import op

from foundation.database.roles import INTAKE

revision = "202611291150"
down_revision = "202611291142"
branch_labels = None
depends_on = None

_KINDS = {
    "governance.ingest": "governance.ingest_events",
    "governance.push": "governance.push_values",
    "governance.verify": "governance.verify_values",
    "governance.release": "governance.release_changes",
    "governance.decide_anew": "governance.redecide",
    "governance.reread": "governance.scan_drift",
    "governance.clocks": "governance.breach_slos",
    "governance.corrections": "governance.escalate_exceptions",
    "governance.judge_standing": "governance.check_connection_health",
    "governance.catch_up": "governance.backfill_channel",
    "governance.release_held": "governance.release_observations",
    "billing.rate": "billing.rate_usage",
    "billing.catch_up": "billing.rerate_usage",
    "billing.total": "billing.total_wholesale",
    "connectors.poll": "connectors.poll_source",
    "idempotency.prune": "foundation.prune_responses",
    "audit.export_heads": "controlplane.export_audit_heads",
}
_LANES = {"anew": "redecide", "clocks": "timers", "standing": "health", "held": "observations"}
"""New names of lanes by their part before the slash."""
_TABLES = ("job", "dead_letter", "timer", "lane")

# Keys and names of timers are a type's name, or begin with it and a slash; lanes of subscriptions end with one.
_RENAME = """
CREATE FUNCTION pg_temp.renamed(given varchar) RETURNS varchar LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce((
        SELECT n.new || substr(given, length(n.old) + 1) FROM (VALUES {kinds}) AS n (old, new)
         WHERE given = n.old OR starts_with(given, n.old || '/')), given)
$$;
CREATE FUNCTION pg_temp.moved(given varchar) RETURNS varchar LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN starts_with(given, 'events/') THEN 'events/' || pg_temp.renamed(substr(given, 8))
           ELSE coalesce((
        SELECT n.new || substr(given, length(n.old) + 1) FROM (VALUES {lanes}) AS n (old, new)
         WHERE given = n.old OR starts_with(given, n.old || '/')), given) END
$$;

UPDATE job SET kind = pg_temp.renamed(kind), key = pg_temp.renamed(key), lane = pg_temp.moved(lane)
 WHERE (kind, key, lane) <> (pg_temp.renamed(kind), pg_temp.renamed(key), pg_temp.moved(lane));
UPDATE dead_letter SET kind = pg_temp.renamed(kind), key = pg_temp.renamed(key), lane = pg_temp.moved(lane)
 WHERE (kind, key, lane) <> (pg_temp.renamed(kind), pg_temp.renamed(key), pg_temp.moved(lane));
UPDATE timer SET kind = pg_temp.renamed(kind), name = pg_temp.renamed(name), lane = pg_temp.moved(lane)
 WHERE (kind, name, lane) <> (pg_temp.renamed(kind), pg_temp.renamed(name), pg_temp.moved(lane));
-- A batch that runs meanwhile finds its lane gone and is rolled back; its jobs wait in the renamed lane.
DELETE FROM lane WHERE name <> pg_temp.moved(name);
"""
_PAYLOADS = """
UPDATE {table} SET payload = jsonb_build_object('connection_id', payload -> 'connection')
 WHERE kind = 'governance.redecide' AND payload ? 'connection';
UPDATE {table} SET payload = jsonb_strip_nulls(jsonb_build_object(
       'since', payload #> '{{data,since}}', 'resumed_at', payload -> 'at', 'last', payload -> 'last'))
 WHERE kind = 'governance.backfill_channel' AND payload ? 'data';
UPDATE {table} SET payload = jsonb_build_object(
       'turn', split_part(payload ->> 'event', '.', 2), 'at', payload -> 'at')
 WHERE kind = 'governance.watch_connection' AND payload ? 'event';
"""
# PostgreSQL 18 names constraints NOT NULL after the table and column that they were made with.
_CONSTRAINTS = """
DO $$
DECLARE v_name name;
BEGIN
    FOR v_name IN SELECT conname FROM pg_constraint
                   WHERE conrelid = 'job'::regclass AND starts_with(conname, 'work_') LOOP
        EXECUTE format('ALTER TABLE job RENAME CONSTRAINT %I TO %I', v_name,
            replace(replace('job_' || substr(v_name, 6), 'job_held_', 'job_delayed_'), 'job_again_', 'job_is_retry_'));
    END LOOP;
END $$;
"""
_JOB = (
    "kind = 'governance.ingest_events' AND ref IS NOT NULL AND lane = 'ingest/' || key"
    " AND (payload IS NULL OR payload = '{\"id_conflict\": true}')"
    " AND EXISTS (SELECT 1 FROM connection c WHERE c.tenant_id = job.tenant_id AND c.msp_id = job.msp_id"
    " AND c.id = job.key::uuid)"
)


def upgrade() -> None:
    op.execute(_CONSTRAINTS)
    # Row-level security is forced on the owner, who would see and rename no row.
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    kinds, lanes = (", ".join(f"('{old}', '{new}')" for old, new in names.items()) for names in (_KINDS, _LANES))
    op.execute(_RENAME.format(kinds=kinds, lanes=lanes))
    for table in ("job", "dead_letter"):
        op.execute(_PAYLOADS.format(table=table))
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"ALTER POLICY job_{INTAKE} ON job WITH CHECK ({_JOB})")


def downgrade() -> None:
    raise NotImplementedError("The schema never goes back. Restore a backup instead.")
