"""State machines: the states of one kind of row and the transitions between them, declared once."""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Final, Generic, TypeVar

S = TypeVar("S", bound=StrEnum)


class UndeclaredTransition(ValueError):
    """A transition that is not declared: a programming error. Users' requests are checked earlier, and refused with a
    reason.
    """


class StateMachine(Generic[S]):
    """A state machine. `starts` are the states of a new row, `transitions` the states that may follow each; a final
    state has none.

    Writing the same state again is no transition and always allowed.

    Raises:
        ValueError: a state cannot be reached.
    """

    def __init__(self, states: type[S], *, starts: Collection[S], transitions: Mapping[S, Collection[S]]) -> None:
        self.states: Final = states
        self.starts: Final = frozenset(starts)
        self.transitions: Final[Mapping[S, frozenset[S]]] = {
            state: frozenset(transitions.get(state, ())) for state in states
        }
        reached, found = frozenset[S](), self.starts
        while found - reached:
            reached |= found
            found = frozenset(after for state in reached for after in self.transitions[state])
        if unreached := set(states) - reached:
            raise ValueError(f"no transition leads to {sorted(unreached)} of {states.__name__}")

    @property
    def final(self) -> frozenset[S]:
        return frozenset(state for state, following in self.transitions.items() if not following)

    def start(self, state: str) -> S:
        """The state of a new row.

        Raises:
            UndeclaredTransition: `state` is not a start state.
        """
        new = self.states(state)
        if new not in self.starts:
            raise UndeclaredTransition(f"no {self.states.__name__} begins as {new}")
        return new

    def move(self, old: str, new: S) -> S:
        """`new`, for a row that is in `old`.

        Raises:
            UndeclaredTransition: the transition is not declared.
        """
        if old != new and new not in self.transitions[self.states(old)]:
            raise UndeclaredTransition(f"{self.states.__name__}: {old} is not followed by {new}")
        return new

    def before(self, new: S) -> tuple[S, ...]:
        """States that `new` may follow, for the condition of a statement that sets it."""
        return tuple(state for state in self.states if new in self.transitions[state])


def in_sql(states: Iterable[StrEnum]) -> str:
    """The states as a list of literals: a partial index is not used for a bound parameter."""
    return ", ".join(f"'{state.value}'" for state in states)
