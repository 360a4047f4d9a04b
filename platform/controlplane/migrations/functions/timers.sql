-- The relay enqueues due jobs by these functions. It may write nothing itself; they run with the owner's rights.
-- Row-level security is forced on the owner, too; its policies hold while `app.definer` is set.

CREATE OR REPLACE FUNCTION timers_fire() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE v_count integer;
BEGIN
    PERFORM set_config('app.definer', 'relay', true);
    WITH due AS (
        SELECT t.tenant_id, t.name FROM public.timer t WHERE t.due_at <= clock_timestamp()
         ORDER BY t.due_at LIMIT 1000 FOR UPDATE SKIP LOCKED
    ), fired AS (
        UPDATE public.timer t SET due_at = NULL FROM due WHERE t.tenant_id = due.tenant_id AND t.name = due.name
        RETURNING t.tenant_id, t.msp_id, t.lane, t.kind, t.name
    ), put AS (
        INSERT INTO public.job (tenant_id, msp_id, lane, kind, key)
        SELECT tenant_id, msp_id, lane, kind, name FROM fired
        RETURNING 1
    )
    SELECT count(*)::integer INTO v_count FROM put;
    PERFORM set_config('app.definer', '', true);
    RETURN v_count;
END $$;

-- Enqueues a check of each tenant's timers every few minutes. The time of the next check is in a column that no job
-- deletes. No check is enqueued while the tenant's jobs are paused, because checks would pile up, nor while another
-- waits. Each call takes a few tenants, so that the checks are spread over time.
--
-- Times far in the future, set by a clock that was ahead, are corrected. No job, pause or lease lasts two
-- hours: Retry-After is limited to one.
CREATE OR REPLACE FUNCTION repairs_fire() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE v_count integer; v_due uuid[]; v_far timestamptz := clock_timestamp() + interval '2 hours';
BEGIN
    PERFORM set_config('app.definer', 'relay', true);
    WITH due AS (
        SELECT s.tenant_id FROM public.lane_share s
         WHERE (s.repair_at <= clock_timestamp() OR s.repair_at > v_far) AND NOT s.resting
         ORDER BY s.repair_at > v_far DESC, s.repair_at LIMIT 20 FOR UPDATE SKIP LOCKED
    ), set_next AS (
        UPDATE public.lane_share s SET repair_at = clock_timestamp() + interval '5 minutes' * (0.5 + random())
          FROM due WHERE s.tenant_id = due.tenant_id RETURNING s.tenant_id
    )
    SELECT array_agg(n.tenant_id) INTO v_due FROM set_next n;

    UPDATE public.job j SET ready_at = clock_timestamp()
      FROM (SELECT f.seq FROM public.job f WHERE f.tenant_id = ANY (v_due) AND f.delayed AND f.ready_at > v_far
               FOR UPDATE SKIP LOCKED) f
     WHERE j.tenant_id = ANY (v_due) AND j.seq = f.seq;
    UPDATE public.lane l
       SET paused_until = CASE WHEN l.paused_until <= v_far THEN l.paused_until END,
           lease_until = CASE WHEN l.lease_until <= v_far THEN l.lease_until ELSE clock_timestamp() END
      FROM (SELECT f.tenant_id, f.name FROM public.lane f
             WHERE f.tenant_id = ANY (v_due) AND (f.paused_until > v_far OR f.lease_until > v_far)
               FOR UPDATE SKIP LOCKED) f
     WHERE l.tenant_id = f.tenant_id AND l.name = f.name;

    WITH put AS (
        INSERT INTO public.job (tenant_id, msp_id, lane, kind, key)
        SELECT n.tenant_id, n.msp_id, 'repair', 'foundation.repair_timers', 'repair' FROM public.lane_share n
         WHERE n.tenant_id = ANY (v_due)
           AND NOT EXISTS (SELECT 1 FROM public.job j WHERE j.tenant_id = n.tenant_id AND j.lane = 'repair')
        RETURNING 1
    )
    SELECT count(*)::integer INTO v_count FROM put;
    PERFORM set_config('app.definer', '', true);
    RETURN v_count;
END $$;

REVOKE ALL ON FUNCTION timers_fire(), repairs_fire() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION timers_fire(), repairs_fire() TO fairlead_relay;
