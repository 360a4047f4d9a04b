"""A failure is worth as much as it can be repeated."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.drills.plan import LEASE_SECONDS, FaultPlan, Target


@given(seed=st.integers(0, 2**32), kills=st.integers(1, 300))
def test_a_seed_is_a_plan_with_exactly_that_many_kills(seed: int, kills: int) -> None:
    plan = FaultPlan.from_seed(seed, kills)
    assert plan == FaultPlan.from_seed(seed, kills)
    assert sum(not fault.stop for fault in plan.faults) == kills
    assert all(fault.seconds > LEASE_SECONDS for fault in plan.faults if fault.stop)


def test_the_short_form_hits_everything_and_seeds_differ() -> None:
    plans = [FaultPlan.from_seed(seed, 12) for seed in range(20)]
    assert all({fault.target for fault in plan.faults if not fault.stop} == set(Target) for plan in plans)
    assert len({plan.faults for plan in plans}) == len(plans)
    stopped = Counter(fault.target for plan in plans for fault in plan.faults if fault.stop)
    assert {Target.WORKER, Target.WORKER_2, Target.WEB} <= stopped.keys()
