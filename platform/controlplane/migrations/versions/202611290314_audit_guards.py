"""Audit entries are only added, and the head only advances by them; the database refuses everything else."""

from alembic import op

from foundation.database.roles import APP

revision = "202611290314"
down_revision = "202611290313"
branch_labels = None
depends_on = None

# Rows move between partitions by DELETE and INSERT, in functions of the partitions' schema, and nowhere else.
_ENTRY = """
CREATE FUNCTION audit_entry_kept() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE v_stack text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        GET DIAGNOSTICS v_stack = PG_CONTEXT;
        IF v_stack ~ 'PL/pgSQL function fairlead_partitions\\.' THEN RETURN OLD; END IF;
    END IF;
    RAISE EXCEPTION 'audit entries are never changed or deleted' USING ERRCODE = 'FL002';
END $$
"""
# What one statement adds for a tenant are the entries up to the head, which the same statement has advanced.
_ADDED = """
CREATE FUNCTION audit_entries_added() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM (SELECT tenant_id, min(seq) AS first, max(seq) AS last, count(*) AS entries
                         FROM added GROUP BY tenant_id) a
          LEFT JOIN public.audit_head h ON h.tenant_id = a.tenant_id
         WHERE h.seq IS DISTINCT FROM a.last OR a.first <> a.last - a.entries + 1
            OR a.entries <> (SELECT count(*) FROM public.audit_entry e
                              WHERE e.tenant_id = a.tenant_id AND e.seq BETWEEN a.first AND a.last)
    ) THEN
        RAISE EXCEPTION 'audit entries follow the last one, and their head advances with them' USING ERRCODE = 'FL002';
    END IF;
    RETURN NULL;
END $$
"""
_HEAD = """
CREATE FUNCTION audit_head_kept() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP IN ('DELETE', 'TRUNCATE') THEN
        RAISE EXCEPTION 'the head of an audit chain is never removed' USING ERRCODE = 'FL002';
    ELSIF TG_OP = 'INSERT' THEN
        IF NEW.seq <> 0 OR NEW.hash <> decode(repeat('00', 32), 'hex') THEN
            RAISE EXCEPTION 'an audit chain begins at its genesis' USING ERRCODE = 'FL002';
        END IF;
    ELSIF NEW.seq <= OLD.seq OR NEW.tenant_id <> OLD.tenant_id OR NEW.msp_id <> OLD.msp_id THEN
        RAISE EXCEPTION 'the head of an audit chain only advances' USING ERRCODE = 'FL002';
    END IF;
    RETURN NEW;
END $$
"""
_ADVANCED = """
CREATE FUNCTION audit_head_advanced() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    v_from bigint := CASE TG_OP WHEN 'UPDATE' THEN OLD.seq ELSE 0 END;
    v_hash bytea := CASE TG_OP WHEN 'UPDATE' THEN OLD.hash ELSE NEW.hash END;
    v_follow boolean;
BEGIN
    SELECT count(*) = NEW.seq - v_from
           AND coalesce(bool_and(e.seq <= NEW.seq AND e.hash = sha256(e.before || convert_to(e.body, 'UTF8'))), true)
           AND coalesce((array_agg(e.hash ORDER BY e.seq DESC))[1], v_hash) = NEW.hash
      INTO v_follow
      FROM (SELECT seq, hash, body, lag(hash, 1, v_hash) OVER (ORDER BY seq) AS before
              FROM public.audit_entry WHERE tenant_id = NEW.tenant_id AND seq > v_from) e;
    IF NOT v_follow THEN
        RAISE EXCEPTION 'the head of an audit chain advances by its own entries only' USING ERRCODE = 'FL002';
    END IF;
    RETURN NULL;
END $$
"""
_TRIGGERS = """
CREATE TRIGGER audit_entry_kept BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_entry_kept();
CREATE TRIGGER audit_entry_not_emptied BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_kept();
CREATE TRIGGER audit_entries_added AFTER INSERT ON audit_entry REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_added();
CREATE TRIGGER audit_head_kept BEFORE INSERT OR UPDATE OR DELETE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION audit_head_kept();
CREATE TRIGGER audit_head_not_emptied BEFORE TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION audit_head_kept();
CREATE TRIGGER audit_head_advanced AFTER INSERT OR UPDATE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION audit_head_advanced();
"""
_FUNCTIONS = ("audit_entry_kept", "audit_entries_added", "audit_head_kept", "audit_head_advanced")


def upgrade() -> None:
    """Processes of before go on: what they write is what the triggers ask for."""
    for statement in (_ENTRY, _ADDED, _HEAD, _ADVANCED, _TRIGGERS):
        op.execute(statement)
    op.execute(f"REVOKE UPDATE ON audit_head FROM {APP}")
    op.execute(f"GRANT UPDATE (seq, hash) ON audit_head TO {APP}")


def downgrade() -> None:
    op.execute(f"GRANT UPDATE ON audit_head TO {APP}")
    for function in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {function} CASCADE")
