-- What workers and the relay ask the lanes in one round trip each.

-- `paused` and `busy` end quietly: whoever holds or pauses the lane rings again. The share's row is locked, so that the
-- cap per tenant is exact.
--
-- A process that ended takes all its turns along, most of them innocent. So the count only narrows the next batch, by
-- four each time, and tells the worker to do it in a process of its own; an item becomes a dead letter on that evidence
-- alone. From four on the count is kept as it is: an item was seen to end a process of its own.
CREATE OR REPLACE FUNCTION lane_claim(
    p_msp uuid, p_tenant uuid, p_lane varchar, p_pool varchar, p_holder varchar, p_lease interval, p_limit integer,
    OUT status varchar, OUT fence bigint, OUT weight smallint, OUT pool varchar,
    OUT seqs bigint[], OUT kinds varchar[], OUT keys varchar[], OUT refs uuid[], OUT bodies jsonb[],
    OUT attempts smallint[], OUT enqueued timestamptz[], OUT correlations varchar[], OUT again boolean[],
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
    SELECT array_agg(w.seq), array_agg(w.kind), array_agg(w.key), array_agg(w.ref), array_agg(w.body),
           array_agg(w.attempts), array_agg(w.enqueued_at), array_agg(w.correlation), array_agg(w.again)
      INTO seqs, kinds, keys, refs, bodies, attempts, enqueued, correlations, again
      FROM (SELECT * FROM work w
             WHERE w.tenant_id = p_tenant AND w.lane = p_lane AND (NOT w.held OR w.ready_at <= now_)
               AND NOT EXISTS (SELECT 1 FROM work e WHERE e.tenant_id = p_tenant AND e.lane = p_lane
                                AND e.key = w.key AND e.held AND e.ready_at > now_ AND e.seq < w.seq)
             ORDER BY w.seq LIMIT lim) w;
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
-- finds it free. Work that another system was asked for in vain is put off without counting an attempt.
CREATE OR REPLACE FUNCTION lane_finish(
    p_tenant uuid, p_lane varchar, p_fence bigint, p_done bigint[],
    p_retry bigint[], p_delays double precision[], p_errors varchar[], p_failure_count smallint,
    p_pause double precision, p_crash_count smallint DEFAULT 0,
    p_counted boolean[] DEFAULT NULL, p_again boolean[] DEFAULT NULL, OUT more boolean
) LANGUAGE plpgsql AS $$
DECLARE now_ timestamptz := clock_timestamp();
BEGIN
    UPDATE lane l SET holder = NULL, lease_until = NULL, failure_count = p_failure_count, crash_count = p_crash_count,
           paused_until = CASE WHEN p_pause > 0 THEN now_ + make_interval(secs => p_pause) END
     WHERE l.tenant_id = p_tenant AND l.name = p_lane AND l.fence = p_fence AND l.holder IS NOT NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the lease on lane % was lost', p_lane USING ERRCODE = 'FL001';
    END IF;
    DELETE FROM work w WHERE w.tenant_id = p_tenant AND w.lane = p_lane AND w.seq = ANY (p_done);
    IF cardinality(p_retry) > 0 THEN
        UPDATE work w SET held = true, attempts = w.attempts + (coalesce(r.counted, true))::integer,
               again = coalesce(r.again, false), error = coalesce(r.error, w.error),
               ready_at = now_ + make_interval(secs => r.delay)
          FROM unnest(p_retry, p_delays, p_errors, p_counted, p_again) AS r (seq, delay, error, counted, again)
         WHERE w.tenant_id = p_tenant AND w.lane = p_lane AND w.seq = r.seq;
    END IF;
    more := p_pause <= 0 AND EXISTS (SELECT 1 FROM work w WHERE w.tenant_id = p_tenant AND w.lane = p_lane
                     AND (NOT w.held OR w.ready_at <= clock_timestamp()));
END $$;

-- The relay's look at what is due: lanes with ready work that nobody holds. A loose index scan visits each lane once,
-- however long its backlog.
CREATE OR REPLACE FUNCTION lanes_due() RETURNS TABLE (msp_id uuid, tenant_id uuid, name varchar, pool varchar)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE d AS (
        (SELECT w.tenant_id, w.lane, w.msp_id FROM work w ORDER BY w.tenant_id, w.lane LIMIT 1)
        UNION ALL
        SELECT n.* FROM d, LATERAL (
            SELECT w.tenant_id, w.lane, w.msp_id FROM work w
             WHERE (w.tenant_id, w.lane) > (d.tenant_id, d.lane) ORDER BY w.tenant_id, w.lane LIMIT 1) n
    )
    SELECT d.msp_id, d.tenant_id, d.lane, coalesce(s.pool, 'shared')
      FROM d LEFT JOIN lane_share s ON s.tenant_id = d.tenant_id
      LEFT JOIN lane l ON l.tenant_id = d.tenant_id AND l.name = d.lane
     WHERE NOT coalesce(s.resting, false) AND coalesce(l.lease_until, '-infinity') <= clock_timestamp()
       AND coalesce(l.paused_until, '-infinity') <= clock_timestamp()
       AND EXISTS (SELECT 1 FROM work w WHERE w.tenant_id = d.tenant_id AND w.lane = d.lane
                    AND (NOT w.held OR w.ready_at <= clock_timestamp()))
$$;

-- How long the oldest ready work of each tenant has waited, also in lanes that are held or paused: what alarms look at.
CREATE OR REPLACE FUNCTION lane_backlog() RETURNS TABLE (tenant_id uuid, oldest timestamptz)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE d AS (
        (SELECT w.tenant_id, w.lane FROM work w ORDER BY w.tenant_id, w.lane LIMIT 1)
        UNION ALL
        SELECT n.* FROM d, LATERAL (
            SELECT w.tenant_id, w.lane FROM work w
             WHERE (w.tenant_id, w.lane) > (d.tenant_id, d.lane) ORDER BY w.tenant_id, w.lane LIMIT 1) n
    )
    SELECT d.tenant_id, min(head.ready_at) FROM d, LATERAL (
        SELECT w.ready_at FROM work w WHERE w.tenant_id = d.tenant_id AND w.lane = d.lane
           AND NOT EXISTS (SELECT 1 FROM lane_share s WHERE s.tenant_id = d.tenant_id AND s.resting)
           AND (NOT w.held OR w.ready_at <= clock_timestamp()) ORDER BY w.seq LIMIT 1) head
     GROUP BY d.tenant_id
$$;
