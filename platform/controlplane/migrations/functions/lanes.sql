-- Statements of workers and the relay on lanes, one round trip each.

-- `paused` and `busy` need no retry: the worker that holds the lane, or the timer of the pause, notifies again. The
-- share's row is locked, so that the cap per tenant is exact.
--
-- When a process dies, every lane that it worked on counts a crash, although one item at most is the cause. So the
-- count makes the next batch a quarter as large, and tells the worker to run it in a separate process; an item becomes
-- a dead letter only when it crashed such a process. The count does not rise above four.
CREATE OR REPLACE FUNCTION lane_claim(
    p_msp uuid, p_tenant uuid, p_lane varchar, p_pool varchar, p_holder varchar, p_lease interval, p_limit integer,
    OUT status varchar, OUT fence bigint, OUT weight smallint, OUT pool varchar,
    OUT seqs bigint[], OUT kinds varchar[], OUT keys varchar[], OUT refs uuid[], OUT payloads jsonb[],
    OUT attempts smallint[], OUT enqueued timestamptz[], OUT correlations varchar[], OUT is_retry boolean[],
    OUT crash_count smallint
) LANGUAGE plpgsql AS $$
DECLARE
    share lane_share; held_lane lane; now_ timestamptz := clock_timestamp(); lim integer;
BEGIN
    PERFORM set_config('app.msp_id', p_msp::text, true), set_config('app.tenant_id', p_tenant::text, true),
            set_config('app.partner_id', '', true);
    SELECT * INTO share FROM lane_share s WHERE s.tenant_id = p_tenant FOR UPDATE;
    pool := coalesce(share.pool, 'shared'); weight := coalesce(share.weight, 1);
    IF pool <> p_pool THEN status := 'moved'; RETURN; END IF;
    IF share.resting THEN status := 'paused'; RETURN; END IF;
    SELECT * INTO held_lane FROM lane l WHERE l.tenant_id = p_tenant AND l.name = p_lane FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO lane (tenant_id, msp_id, name) VALUES (p_tenant, p_msp, p_lane)
        ON CONFLICT (tenant_id, name) DO NOTHING;
        SELECT * INTO held_lane FROM lane l WHERE l.tenant_id = p_tenant AND l.name = p_lane FOR UPDATE;
    END IF;
    IF held_lane.lease_until > now_ THEN status := 'busy'; RETURN; END IF;
    IF held_lane.paused_until > now_ THEN status := 'paused'; RETURN; END IF;
    IF (SELECT count(*) FROM lane l WHERE l.tenant_id = p_tenant AND l.lease_until > now_)
        >= coalesce(share.cap, 4) THEN status := 'capped'; RETURN; END IF;
    crash_count := held_lane.crash_count;
    IF held_lane.holder IS NOT NULL AND crash_count < 4 THEN crash_count := crash_count + 1; END IF;
    lim := CASE WHEN crash_count >= 4 THEN 1
                ELSE greatest(1, p_limit >> least(held_lane.failure_count + 2 * crash_count, 20)::integer) END;
    SELECT array_agg(j.seq), array_agg(j.kind), array_agg(j.key), array_agg(j.ref), array_agg(j.payload),
           array_agg(j.attempts), array_agg(j.enqueued_at), array_agg(j.correlation), array_agg(j.is_retry)
      INTO seqs, kinds, keys, refs, payloads, attempts, enqueued, correlations, is_retry
      FROM (SELECT * FROM job j
             WHERE j.tenant_id = p_tenant AND j.lane = p_lane AND (NOT j.delayed OR j.ready_at <= now_)
               AND NOT EXISTS (SELECT 1 FROM job e WHERE e.tenant_id = p_tenant AND e.lane = p_lane
                                AND e.key = j.key AND e.delayed AND e.ready_at > now_ AND e.seq < j.seq)
             ORDER BY j.seq LIMIT lim) j;
    IF seqs IS NULL THEN
        status := 'empty';
        IF held_lane.holder IS NOT NULL THEN
            UPDATE lane l SET holder = NULL, lease_until = NULL WHERE l.tenant_id = p_tenant AND l.name = p_lane;
        END IF;
        RETURN;
    END IF;
    status := 'claimed';
    UPDATE lane l SET holder = p_holder, lease_until = now_ + p_lease, paused_until = NULL,
           fence = l.fence + 1, crash_count = lane_claim.crash_count
     WHERE l.tenant_id = p_tenant AND l.name = p_lane RETURNING l.fence INTO fence;
END $$;

-- Runs inside the job's own transaction, so effects and completion are one commit; a lost lease undoes both. The lane
-- is released before `more` is looked up: a producer who commits in between finds the lane's row locked, waits, and
-- finds it free. A job whose remote call failed is deferred without counting an attempt.
CREATE OR REPLACE FUNCTION lane_finish(
    p_tenant uuid, p_lane varchar, p_fence bigint, p_done bigint[],
    p_retry bigint[], p_delays double precision[], p_errors jsonb[], p_failure_count smallint,
    p_pause double precision, p_crash_count smallint DEFAULT 0,
    p_counted boolean[] DEFAULT NULL, p_is_retry boolean[] DEFAULT NULL, OUT more boolean
) LANGUAGE plpgsql AS $$
DECLARE now_ timestamptz := clock_timestamp();
BEGIN
    UPDATE lane l SET holder = NULL, lease_until = NULL, failure_count = p_failure_count, crash_count = p_crash_count,
           paused_until = CASE WHEN p_pause > 0 THEN now_ + make_interval(secs => p_pause) END
     WHERE l.tenant_id = p_tenant AND l.name = p_lane AND l.fence = p_fence AND l.holder IS NOT NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the lease on lane % was lost', p_lane USING ERRCODE = 'FL001';
    END IF;
    DELETE FROM job j WHERE j.tenant_id = p_tenant AND j.lane = p_lane AND j.seq = ANY (p_done);
    IF cardinality(p_retry) > 0 THEN
        UPDATE job j SET delayed = true, attempts = j.attempts + (coalesce(r.counted, true))::integer,
               is_retry = coalesce(r.is_retry, false), error = coalesce(r.error, j.error),
               ready_at = now_ + make_interval(secs => r.delay)
          FROM unnest(p_retry, p_delays, p_errors, p_counted, p_is_retry) AS r (seq, delay, error, counted, is_retry)
         WHERE j.tenant_id = p_tenant AND j.lane = p_lane AND j.seq = r.seq;
    END IF;
    more := p_pause <= 0 AND EXISTS (SELECT 1 FROM job j WHERE j.tenant_id = p_tenant AND j.lane = p_lane
                     AND (NOT j.delayed OR j.ready_at <= clock_timestamp()));
END $$;

-- Lanes with ready jobs and no lease, which the relay polls. A loose index scan visits each lane once, however long its
-- backlog.
CREATE OR REPLACE FUNCTION lanes_due() RETURNS TABLE (msp_id uuid, tenant_id uuid, name varchar, pool varchar)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE d AS (
        (SELECT j.tenant_id, j.lane, j.msp_id FROM job j ORDER BY j.tenant_id, j.lane LIMIT 1)
        UNION ALL
        SELECT n.* FROM d, LATERAL (
            SELECT j.tenant_id, j.lane, j.msp_id FROM job j
             WHERE (j.tenant_id, j.lane) > (d.tenant_id, d.lane) ORDER BY j.tenant_id, j.lane LIMIT 1) n
    )
    SELECT d.msp_id, d.tenant_id, d.lane, coalesce(s.pool, 'shared')
      FROM d LEFT JOIN lane_share s ON s.tenant_id = d.tenant_id
      LEFT JOIN lane l ON l.tenant_id = d.tenant_id AND l.name = d.lane
     WHERE NOT coalesce(s.resting, false) AND coalesce(l.lease_until, '-infinity') <= clock_timestamp()
       AND coalesce(l.paused_until, '-infinity') <= clock_timestamp()
       AND EXISTS (SELECT 1 FROM job j WHERE j.tenant_id = d.tenant_id AND j.lane = d.lane
                    AND (NOT j.delayed OR j.ready_at <= clock_timestamp()))
$$;

-- Enqueue time of each tenant's oldest ready job, also in leased and paused lanes: alarms depend on it.
CREATE OR REPLACE FUNCTION lane_backlog() RETURNS TABLE (tenant_id uuid, oldest timestamptz)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE d AS (
        (SELECT j.tenant_id, j.lane FROM job j ORDER BY j.tenant_id, j.lane LIMIT 1)
        UNION ALL
        SELECT n.* FROM d, LATERAL (
            SELECT j.tenant_id, j.lane FROM job j
             WHERE (j.tenant_id, j.lane) > (d.tenant_id, d.lane) ORDER BY j.tenant_id, j.lane LIMIT 1) n
    )
    SELECT d.tenant_id, min(head.ready_at) FROM d, LATERAL (
        SELECT j.ready_at FROM job j WHERE j.tenant_id = d.tenant_id AND j.lane = d.lane
           AND NOT EXISTS (SELECT 1 FROM lane_share s WHERE s.tenant_id = d.tenant_id AND s.resting)
           AND (NOT j.delayed OR j.ready_at <= clock_timestamp()) ORDER BY j.seq LIMIT 1) head
     GROUP BY d.tenant_id
$$;

REVOKE ALL ON FUNCTION lane_claim(uuid, uuid, varchar, varchar, varchar, interval, integer) FROM PUBLIC,
    fairlead_app, fairlead_fleet, fairlead_intake, fairlead_relay;
REVOKE ALL ON FUNCTION lane_finish(
    uuid, varchar, bigint, bigint[], bigint[], double precision[], jsonb[], smallint, double precision, smallint,
    boolean[], boolean[]
) FROM PUBLIC, fairlead_app, fairlead_fleet, fairlead_intake, fairlead_relay;
REVOKE ALL ON FUNCTION lanes_due(), lane_backlog() FROM PUBLIC,
    fairlead_app, fairlead_fleet, fairlead_intake, fairlead_relay;
GRANT EXECUTE ON FUNCTION lane_claim(uuid, uuid, varchar, varchar, varchar, interval, integer) TO fairlead_app;
GRANT EXECUTE ON FUNCTION lane_finish(
    uuid, varchar, bigint, bigint[], bigint[], double precision[], jsonb[], smallint, double precision, smallint,
    boolean[], boolean[]
) TO fairlead_app;
GRANT EXECUTE ON FUNCTION lanes_due(), lane_backlog() TO fairlead_relay;
