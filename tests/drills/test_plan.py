"""Plans of faults can be repeated from their seed."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.drills.plan import KILLED, LEASE_SECONDS, TROUBLES, Act, FaultPlan, Target


@given(seed=st.integers(0, 2**32), kills=st.integers(1, 300))
def test_a_seed_is_a_plan_with_exactly_that_many_kills(seed: int, kills: int) -> None:
    plan = FaultPlan.from_seed(seed, kills)
    assert plan == FaultPlan.from_seed(seed, kills)
    assert sum(fault.act is Act.KILL for fault in plan.faults) == kills
    assert all(fault.seconds > LEASE_SECONDS for fault in plan.faults if fault.act is Act.STOP)


def test_the_short_form_hits_everything_and_seeds_differ() -> None:
    plans = [FaultPlan.from_seed(seed, 12) for seed in range(20)]
    assert all({f.target for f in plan.faults if f.act is Act.KILL} == set(KILLED) for plan in plans)
    assert len({plan.faults for plan in plans}) == len(plans)
    stopped = Counter(fault.target for plan in plans for fault in plan.faults if fault.act is Act.STOP)
    assert {Target.WORKER, Target.WORKER_2, Target.WEB} <= stopped.keys()


def test_every_trouble_occurs_before_one_repeats() -> None:
    plan = FaultPlan.from_seed(1, 2 * len(TROUBLES))
    troubles = [(f.act, f.target) for f in plan.faults if f.act not in (Act.KILL, Act.STOP)]
    assert len(troubles) == len(set(troubles)) == len(TROUBLES)
