"""State machines of the product: only declared transitions are possible, and every state leads to a final one."""

from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.state_machine import StateMachine, UndeclaredTransition, in_sql
from tests.support.machines import MACHINES


class Light(StrEnum):
    RED = "red"
    GREEN = "green"
    BROKEN = "broken"


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.states.__name__)
@given(data=st.data())
def test_any_sequence_of_requests_is_a_sequence_of_declared_transitions(machine: StateMachine[Any], data: Any) -> None:
    state = machine.start(data.draw(st.sampled_from(sorted(machine.starts))))
    for wish in data.draw(st.lists(st.sampled_from(list(machine.transitions)), max_size=20)):
        if wish == state or wish in machine.transitions[state]:
            assert state == wish or state in machine.before(wish)
            state = machine.move(state, wish)
            assert state == wish
        else:
            with pytest.raises(UndeclaredTransition):
                machine.move(state, wish)
            assert state not in machine.before(wish)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.states.__name__)
def test_no_row_begins_in_a_state_that_is_not_initial(machine: StateMachine[Any]) -> None:
    for state in set(machine.transitions) - machine.starts:
        with pytest.raises(UndeclaredTransition):
            machine.start(state)
    with pytest.raises(ValueError, match="nonsense"):
        machine.move("nonsense", next(iter(machine.starts)))


def test_a_state_that_nothing_leads_to_is_no_part_of_a_machine() -> None:
    with pytest.raises(ValueError, match=r"no transition leads to .*broken.* of Light"):
        StateMachine(Light, starts=[Light.RED], transitions={Light.RED: [Light.GREEN]})


def test_states_in_sql_are_in_order() -> None:
    """The order in which the predicates of the partial indexes are written."""
    assert in_sql([Light.RED, Light.GREEN]) == "'red', 'green'"
    machine = StateMachine(
        Light, starts=[Light.RED], transitions={Light.RED: [Light.GREEN], Light.GREEN: [Light.RED, Light.BROKEN]}
    )
    assert list(machine.before(Light.BROKEN)) == [Light.GREEN]
    assert set(machine.final) == {Light.BROKEN}
