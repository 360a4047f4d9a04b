"""Lanes count the turns that ended with their process apart from the turns that failed: only the former isolate."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# A process that ended takes all its turns along, most of them innocent. So the count only narrows the next batch, by
# four each time, and tells the worker to do it in a process of its own; an item is given up on that evidence alone.
# Above ALONE it is kept as it is: an item was seen to end a process of its own.
_CLAIM = """
CREATE FUNCTION lane_claim(
    p_msp uuid, p_tenant uuid, p_lane varchar, p_pool varchar, p_holder varchar, p_lease interval, p_limit integer,
    OUT status varchar, OUT fence bigint, OUT weight smallint, OUT pool varchar,
    OUT seqs bigint[], OUT kinds varchar[], OUT keys varchar[], OUT refs uuid[], OUT bodies jsonb[],
    OUT attempts smallint[], OUT enqueued timestamptz[], OUT correlations varchar[]{more_out}
) LANGUAGE plpgsql AS $$
DECLARE
    share lane_share; held_lane lane; now_ timestamptz := clock_timestamp(); lim integer;
BEGIN
    PERFORM set_config('app.msp_id', p_msp::text, true), set_config('app.tenant_id', p_tenant::text, true),
            set_config('app.partner_id', '', true);
    SELECT * INTO share FROM lane_share s WHERE s.tenant_id = p_tenant FOR UPDATE;
    pool := coalesce(share.pool, 'shared'); weight := coalesce(share.weight, 1);
    IF pool <> p_pool THEN status := 'moved'; RETURN; END IF;
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
    {after_death}
    SELECT array_agg(w.seq), array_agg(w.kind), array_agg(w.key), array_agg(w.ref), array_agg(w.body),
           array_agg(w.attempts), array_agg(w.enqueued_at), array_agg(w.correlation)
      INTO seqs, kinds, keys, refs, bodies, attempts, enqueued, correlations
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
    {claimed}
     WHERE l.tenant_id = p_tenant AND l.name = p_lane RETURNING l.fence INTO fence;
END $$;
"""
_BY_DEATHS = {
    "more_out": ", OUT crash_count smallint",
    "after_death": """
    crash_count := held_lane.crash_count;
    IF held_lane.holder IS NOT NULL AND crash_count < 4 THEN crash_count := crash_count + 1; END IF;
    lim := CASE WHEN crash_count >= 4 THEN 1
                ELSE greatest(1, p_limit >> least(held_lane.failure_count + 2 * crash_count, 20)::integer) END;
""",
    "claimed": """
    status := 'claimed';
    UPDATE lane l SET holder = p_holder, lease_until = now_ + p_lease, paused_until = NULL,
           fence = l.fence + 1, crash_count = lane_claim.crash_count
""",
}
_BY_CRASHES = {
    "more_out": "",
    "after_death": """
    IF held_lane.holder IS NOT NULL THEN held_lane.failure_count := least(held_lane.failure_count + 1, 100); END IF;
    lim := greatest(1, p_limit >> least(held_lane.failure_count, 20)::integer);
""",
    "claimed": """
    status := CASE WHEN held_lane.failure_count > 12 THEN 'poison' ELSE 'claimed' END;
    UPDATE lane l SET holder = p_holder, lease_until = now_ + p_lease, paused_until = NULL,
           fence = l.fence + 1, failure_count = held_lane.failure_count
""",
}

_FINISH = """
CREATE FUNCTION lane_finish(
    p_tenant uuid, p_lane varchar, p_fence bigint, p_done bigint[],
    p_retry bigint[], p_delays double precision[], p_errors varchar[], p_failure_count smallint, p_pause double
    precision, {more_in}OUT more boolean
) LANGUAGE plpgsql AS $$
DECLARE now_ timestamptz := clock_timestamp();
BEGIN
    UPDATE lane l SET holder = NULL, lease_until = NULL, failure_count = p_failure_count{crash_count},
           paused_until = CASE WHEN p_pause > 0 THEN now_ + make_interval(secs => p_pause) END
     WHERE l.tenant_id = p_tenant AND l.name = p_lane AND l.fence = p_fence AND l.holder IS NOT NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the lease on lane % was lost', p_lane USING ERRCODE = 'FL001';
    END IF;
    DELETE FROM work w WHERE w.tenant_id = p_tenant AND w.lane = p_lane AND w.seq = ANY (p_done);
    IF cardinality(p_retry) > 0 THEN
        UPDATE work w SET held = true, attempts = w.attempts + 1, error = r.error,
               ready_at = now_ + make_interval(secs => r.delay)
          FROM unnest(p_retry, p_delays, p_errors) AS r (seq, delay, error)
         WHERE w.tenant_id = p_tenant AND w.lane = p_lane AND w.seq = r.seq;
    END IF;
    more := p_pause <= 0 AND EXISTS (SELECT 1 FROM work w WHERE w.tenant_id = p_tenant AND w.lane = p_lane
                     AND (NOT w.held OR w.ready_at <= clock_timestamp()));
END $$;
"""
_CLAIM_ARGUMENTS = "uuid, uuid, varchar, varchar, varchar, interval, integer"
_FINISH_ARGUMENTS = (
    "uuid, varchar, bigint, bigint[], bigint[], double precision[], varchar[], smallint, double precision"
)


def upgrade() -> None:
    """Workers of before go on: they ask for no more than they did, and their last argument has a default."""
    op.execute("ALTER TABLE lane ADD COLUMN crash_count smallint NOT NULL DEFAULT 0")
    op.execute(f"DROP FUNCTION lane_claim({_CLAIM_ARGUMENTS})")
    op.execute(f"DROP FUNCTION lane_finish({_FINISH_ARGUMENTS})")
    op.execute(_CLAIM.format(**_BY_DEATHS))
    op.execute(
        _FINISH.format(more_in="p_crash_count smallint DEFAULT 0, ", crash_count=", crash_count = p_crash_count")
    )


def downgrade() -> None:
    op.execute(f"DROP FUNCTION lane_claim({_CLAIM_ARGUMENTS})")
    op.execute(f"DROP FUNCTION lane_finish({_FINISH_ARGUMENTS}, smallint)")
    op.execute("ALTER TABLE lane DROP COLUMN crash_count")
    op.execute(_CLAIM.format(**_BY_CRASHES))
    op.execute(_FINISH.format(more_in="", crash_count=""))
