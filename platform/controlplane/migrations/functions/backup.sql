-- What the backup's role calls when a backup is complete. It may call this and write nothing itself: it runs with the
-- owner's rights, on one row.
CREATE OR REPLACE FUNCTION record_backup(p_value jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO public.installation (name, value, recorded_at) VALUES ('last_backup', p_value, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, recorded_at = excluded.recorded_at
$$;

REVOKE ALL ON FUNCTION record_backup(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_backup(jsonb) TO fairlead_backup;
