"""Retention policies, legal holds, the log of removals, and the anchors of shortened audit chains."""

from alembic import op

from foundation.database.rls import protect

revision = "202611290319"
down_revision = "202611290316"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE retention_policy (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, data_class varchar NOT NULL, element varchar NOT NULL DEFAULT '',
    keep_days integer NOT NULL, changed_at timestamptz NOT NULL, changed_by varchar NOT NULL,
    CONSTRAINT pk_retention_policy PRIMARY KEY (tenant_id, data_class, element),
    CONSTRAINT ck_retention_policy_keep_days CHECK (keep_days > 0)
);
CREATE TABLE legal_hold (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, id uuid NOT NULL, data_class varchar NOT NULL DEFAULT '',
    record_key varchar NOT NULL DEFAULT '', reason varchar NOT NULL, placed_at timestamptz NOT NULL,
    placed_by varchar NOT NULL, released_at timestamptz, released_by varchar, release_reason varchar,
    CONSTRAINT pk_legal_hold PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ix_legal_hold_open ON legal_hold (tenant_id) WHERE released_at IS NULL;
CREATE TABLE retention_purge (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, id uuid NOT NULL, data_class varchar NOT NULL,
    table_name varchar NOT NULL, before timestamptz NOT NULL, removed bigint NOT NULL, kept bigint NOT NULL,
    partition varchar NOT NULL DEFAULT '', purged_at timestamptz NOT NULL,
    CONSTRAINT pk_retention_purge PRIMARY KEY (tenant_id, id)
);
CREATE TABLE audit_anchor (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, seq bigint NOT NULL, hash bytea NOT NULL, entries bigint NOT NULL,
    first_at timestamptz NOT NULL, last_at timestamptz NOT NULL, removed_at timestamptz NOT NULL,
    CONSTRAINT pk_audit_anchor PRIMARY KEY (tenant_id, seq)
);
"""
# The beginning of one chain, out of the given partitions: its last entry stays as the anchor. The triggers of
# audit_entry admit a DELETE from functions of this schema only.
_SHORTEN = """
CREATE FUNCTION fairlead_partitions.shorten_chain(
    p_tenant uuid, p_msp uuid, p_floor bigint, p_before timestamptz, p_now timestamptz, p_from regclass[],
    p_counted regclass[]
) RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    v_part regclass; v_rows bigint; v_removed bigint := 0; v_found record; v_seq bigint; v_hash bytea;
    v_entries bigint := 0; v_first timestamptz; v_last timestamptz;
BEGIN
    FOREACH v_part IN ARRAY p_from || p_counted LOOP
        EXECUTE format('SELECT max(seq) AS seq, (array_agg(hash ORDER BY seq DESC))[1] AS hash, count(*) AS entries,'
                       ' min(at) AS first, max(at) AS last FROM %s'
                       ' WHERE tenant_id = $1 AND seq < $2 AND at < $3', v_part)
           INTO v_found USING p_tenant, p_floor, p_before;
        IF v_found.entries > 0 THEN
            IF v_seq IS NULL OR v_found.seq > v_seq THEN v_seq := v_found.seq; v_hash := v_found.hash; END IF;
            v_entries := v_entries + v_found.entries;
            v_first := least(v_first, v_found.first);
            v_last := greatest(v_last, v_found.last);
        END IF;
    END LOOP;
    IF v_entries > 0 THEN
        INSERT INTO public.audit_anchor (tenant_id, msp_id, seq, hash, entries, first_at, last_at, removed_at)
        VALUES (p_tenant, p_msp, v_seq, v_hash, v_entries, v_first, v_last, p_now);
    END IF;
    FOREACH v_part IN ARRAY p_from LOOP
        EXECUTE format('DELETE FROM %s WHERE tenant_id = $1 AND seq < $2 AND at < $3', v_part)
          USING p_tenant, p_floor, p_before;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        v_removed := v_removed + v_rows;
    END LOOP;
    RETURN v_removed;
END $$
"""
_SHORTEN_NAME = "fairlead_partitions.shorten_chain"
# The owner drops partitions, so in that transaction it must read what forbids it, and write down what went.
_OWNER = {"retention_policy": "SELECT", "legal_hold": "SELECT", "retention_purge": "INSERT", "audit_anchor": "INSERT"}
# These tables were append-only so far. What is younger than the shortest policy, or open, still cannot be deleted.
_ONLY_OLD = {
    "approval": "state NOT IN ('pending', 'granted') AND created_at < now() - interval '90 days'",
    "source_event_key": "event_id < (lpad(to_hex((extract(epoch FROM now() - interval '90 days') * 1000)::bigint),"
    " 12, '0') || repeat('0', 20))::uuid",
}


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(_SHORTEN)
    op.execute(f"REVOKE ALL ON FUNCTION {_SHORTEN_NAME} FROM PUBLIC")
    protect(op, "retention_policy")
    protect(op, "legal_hold", app="SELECT, INSERT, UPDATE")
    protect(op, "retention_purge", app="SELECT, INSERT")
    protect(op, "audit_anchor", app="SELECT")
    for table, verb in _OWNER.items():
        clause = "USING (true)" if verb == "SELECT" else "WITH CHECK (true)"
        op.execute(f"CREATE POLICY {table}_owner ON {table} FOR {verb} TO CURRENT_USER {clause}")
    for table, old in _ONLY_OLD.items():
        op.execute(f"GRANT DELETE ON {table} TO fairlead_app")
        op.execute(f"CREATE POLICY {table}_old ON {table} AS RESTRICTIVE FOR DELETE TO fairlead_app USING ({old})")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {_SHORTEN_NAME}")
    for table in _ONLY_OLD:
        op.execute(f"DROP POLICY {table}_old ON {table}")
        op.execute(f"REVOKE DELETE ON {table} FROM fairlead_app")
    for table in ("audit_anchor", "retention_purge", "legal_hold", "retention_policy"):
        op.execute(f"DROP TABLE {table}")
