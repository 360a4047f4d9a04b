-- Partitions of the tables that grow by time. They lie in a schema of their own, which no role of the application may
-- use: rows are reached through the partitioned table, whose policies and grants decide.

CREATE SCHEMA IF NOT EXISTS fairlead_partitions;
REVOKE ALL ON SCHEMA fairlead_partitions FROM PUBLIC;
GRANT USAGE ON SCHEMA fairlead_partitions TO fairlead_relay;

-- In a definer function and in a migration CURRENT_USER is the owner, whose maintenance moves and drops rows here. A
-- backup reads each partition, also one that the relay has just created; after a restore its policy may be here already.
CREATE OR REPLACE FUNCTION fairlead_partitions.close(p_partition regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_partition);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p_partition);
    EXECUTE format('CREATE POLICY owner ON %s TO CURRENT_USER USING (true) WITH CHECK (true)', p_partition);
    EXECUTE format('GRANT SELECT ON %s TO fairlead_backup', p_partition);
    EXECUTE format('DROP POLICY IF EXISTS backup_reads ON %s', p_partition);
    EXECUTE format('CREATE POLICY backup_reads ON %s FOR SELECT TO fairlead_backup USING (true)', p_partition);
END $$;

-- The key at which a time begins: UUIDv7 has the milliseconds since 1970 in its first 48 bits.
CREATE OR REPLACE FUNCTION fairlead_partitions.bound(p_table regclass, p_at timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT CASE WHEN (SELECT a.atttypid = 'uuid'::regtype FROM pg_partitioned_table p
                        JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
                       WHERE p.partrelid = p_table)
           THEN (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid::text
           ELSE to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00' END
$$;

CREATE OR REPLACE FUNCTION fairlead_partitions.time_of(p_bound text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT CASE WHEN p_bound ~ '^[0-9a-f]{8}-'
           THEN to_timestamp(('x' || left(replace(p_bound, '-', ''), 12))::bit(48)::bigint / 1000.0)
           ELSE p_bound::timestamptz END
$$;

CREATE OR REPLACE FUNCTION fairlead_partitions.last_end(p_table regclass) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT max(fairlead_partitions.time_of(substring(pg_get_expr(c.relpartbound, c.oid) FROM $re$TO \('([^']+)'\)$re$)))
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = p_table
$$;

-- Rows that arrived before their month was created are in the default partition and move, under its lock.
CREATE OR REPLACE FUNCTION fairlead_partitions.create_month(p_table regclass, p_from timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
    v_name text; v_key text; v_options text; v_low text := fairlead_partitions.bound(p_table, p_from);
    v_high text := fairlead_partitions.bound(p_table, date_trunc('month', p_from) + interval '1 month');
BEGIN
    SELECT c.relname, a.attname INTO v_name, v_key
      FROM pg_class c JOIN pg_partitioned_table p ON p.partrelid = c.oid
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0] WHERE c.oid = p_table;
    EXECUTE format('LOCK TABLE fairlead_partitions.%I IN ACCESS EXCLUSIVE MODE', v_name || '_default');
    SELECT array_to_string(c.reloptions, ', ') INTO v_options FROM pg_class c
     WHERE c.relname = v_name || '_default' AND c.relnamespace = 'fairlead_partitions'::regnamespace;
    v_name := v_name || to_char(p_from, '_YYYY_MM');
    EXECUTE format('CREATE TABLE fairlead_partitions.%I (LIKE %s INCLUDING ALL)', v_name, p_table)
            || coalesce(' WITH (' || v_options || ')', '');
    EXECUTE format('WITH early AS (DELETE FROM fairlead_partitions.%I WHERE %I >= %L AND %I < %L RETURNING *)'
                   ' INSERT INTO fairlead_partitions.%I SELECT * FROM early',
                   (SELECT relname FROM pg_class WHERE oid = p_table) || '_default',
                   v_key, v_low, v_key, v_high, v_name);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION fairlead_partitions.%I FOR VALUES FROM (%L) TO (%L)',
                   p_table, v_name, v_low, v_high);
    PERFORM fairlead_partitions.close(format('fairlead_partitions.%I', v_name)::regclass);
END $$;

-- Creates the partitions of this month and the next two, at most twelve of one table at once: after a long pause the
-- rest follows at the next calls, and a clock that is years ahead makes a few empty partitions rather than thousands.
-- Rows without a month are in the default partition meanwhile.
CREATE OR REPLACE FUNCTION fairlead_partitions.create_ahead() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC' AS $$
DECLARE v_table regclass; v_end timestamptz; v_made integer := 0; v_here integer;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('fairlead_partitions.create_ahead')) THEN RETURN 0; END IF;
    FOR v_table IN SELECT p.partrelid FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
                    WHERE c.relnamespace = 'public'::regnamespace ORDER BY c.relname LOOP
        v_here := 0;
        -- There is none where retention dropped every month.
        v_end := coalesce(fairlead_partitions.last_end(v_table), date_trunc('month', now()));
        WHILE v_end <= date_trunc('month', now()) + interval '2 months' AND v_here < 12 LOOP
            PERFORM fairlead_partitions.create_month(v_table, v_end);
            v_end := v_end + interval '1 month';
            v_here := v_here + 1;
        END LOOP;
        v_made := v_made + v_here;
    END LOOP;
    RETURN v_made;
END $$;

-- Autovacuum analyses partitions, never the partitioned table, by whose statistics joins are planned.
CREATE OR REPLACE FUNCTION fairlead_partitions.analyze_tables() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE v_table regclass;
BEGIN
    FOR v_table IN SELECT p.partrelid FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
                    WHERE c.relnamespace = 'public'::regnamespace ORDER BY c.relname LOOP
        EXECUTE format('ANALYZE %s', v_table);
    END LOOP;
END $$;

-- Each table, the end of its last month, and whether rows of a later time are in its default partition.
CREATE OR REPLACE FUNCTION fairlead_partitions.coverage(
    OUT name text, OUT ends timestamptz, OUT beyond boolean
) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE v_table regclass; v_key text;
BEGIN
    FOR v_table, name, v_key IN
        SELECT c.oid, c.relname, a.attname FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
         WHERE c.relnamespace = 'public'::regnamespace ORDER BY c.relname LOOP
        ends := fairlead_partitions.last_end(v_table);
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM fairlead_partitions.%I WHERE %I >= %L AND %I < %L)',
                       name || '_default', v_key, fairlead_partitions.bound(v_table, ends),
                       v_key, fairlead_partitions.bound(v_table, ends + interval '10 years'))
           INTO beyond;
        RETURN NEXT;
    END LOOP;
END $$;

REVOKE ALL ON FUNCTION fairlead_partitions.close(regclass) FROM PUBLIC;
REVOKE ALL ON FUNCTION fairlead_partitions.create_month(regclass, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION fairlead_partitions.create_ahead() FROM PUBLIC;
REVOKE ALL ON FUNCTION fairlead_partitions.analyze_tables() FROM PUBLIC;
REVOKE ALL ON FUNCTION fairlead_partitions.coverage() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fairlead_partitions.create_ahead() TO fairlead_relay;
GRANT EXECUTE ON FUNCTION fairlead_partitions.analyze_tables() TO fairlead_relay;
GRANT EXECUTE ON FUNCTION fairlead_partitions.coverage() TO fairlead_relay;
