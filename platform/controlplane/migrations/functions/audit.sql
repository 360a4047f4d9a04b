-- Audit entries are only added, and the head of a chain only advances by them; the triggers refuse everything else.

-- The functions of the partitions' schema move rows between partitions by DELETE and INSERT. All other deletions are
-- refused.
CREATE OR REPLACE FUNCTION audit_entry_kept() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE v_stack text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        GET DIAGNOSTICS v_stack = PG_CONTEXT;
        IF v_stack ~ 'PL/pgSQL function fairlead_partitions\.' THEN RETURN OLD; END IF;
    END IF;
    RAISE EXCEPTION 'audit entries are never changed or deleted' USING ERRCODE = 'FL002';
END $$;

-- The entries that one statement adds for a tenant end at the head, which the same statement has advanced.
CREATE OR REPLACE FUNCTION audit_entries_added() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
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
END $$;

CREATE OR REPLACE FUNCTION audit_head_kept() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
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
END $$;

-- The head advances by the entries added since; each hash follows from the one before it.
CREATE OR REPLACE FUNCTION audit_head_advanced() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
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
END $$;

-- Deletes the beginning of one audit chain from the given partitions; the last of these entries is kept as the anchor.
-- The triggers of audit_entry admit a DELETE from functions of this schema only.
CREATE OR REPLACE FUNCTION fairlead_partitions.shorten_chain(
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
END $$;

REVOKE ALL ON FUNCTION fairlead_partitions.shorten_chain(
    uuid, uuid, bigint, timestamptz, timestamptz, regclass[], regclass[]
) FROM PUBLIC;
