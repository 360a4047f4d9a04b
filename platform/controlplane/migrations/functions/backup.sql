-- The backup's role calls this function when a backup is complete. The role may write nothing itself; the function
-- writes one row, with the owner's rights.
CREATE OR REPLACE FUNCTION record_backup(p_value jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO public.installation (name, value, recorded_at) VALUES ('last_backup', p_value, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, recorded_at = excluded.recorded_at
$$;

REVOKE ALL ON FUNCTION record_backup(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_backup(jsonb) TO fairlead_backup;

-- Time of the installation's last backup; the application reads no other fact of it.
CREATE OR REPLACE FUNCTION last_backup_at() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT recorded_at FROM public.installation WHERE name = 'last_backup'
$$;
REVOKE ALL ON FUNCTION last_backup_at() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION last_backup_at() TO fairlead_app;
