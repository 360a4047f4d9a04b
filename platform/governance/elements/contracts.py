"""The contracts of a client, looked up by the key of a value."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, tzinfo
from typing import Final
from uuid import UUID

import msgspec

from canonical.elements import RETURNED_ELEMENTS
from canonical.keys import ElementKey
from governance.elements.rows import Contract
from governance.elements.selectors import DEFAULT, selects
from policy.conditions import Facts


class Contracts:
    """Contracts by element and selector. Ended contracts are separate: only running changes use them (`get`). A look-up
    costs one step if an element has one contract. `holds`: values of the sources are held despite a contract
    (`value_hold`). `retired` elements need no contract any more, also those that never had one. `zone` is the client's.
    """

    __slots__ = ("_all", "_defaults", "_ended", "_selecting", "_sources", "holds", "retired", "zone")

    def __init__(
        self,
        contracts: Iterable[Contract] = (),
        *,
        holds: bool = False,
        retired: Iterable[str] = (),
        zone: tzinfo = UTC,
    ) -> None:
        self.zone = zone
        self.holds = holds
        self.retired = frozenset(retired)
        given = tuple(contracts)
        self._all = tuple(each for each in given if not each.is_ended)
        self._ended = (
            Contracts(msgspec.structs.replace(each, is_ended=False) for each in given if each.is_ended)
            if len(self._all) < len(given)
            else None
        )
        self._defaults = {each.element: each for each in self._all if each.selector == DEFAULT}
        self._selecting: defaultdict[str, list[Contract]] = defaultdict(list)
        for each in self._all:
            if each.selector != DEFAULT:
                self._selecting[each.element].append(each)
        self._sources = {
            each.source_connection_id for each in self._defaults.values() if each.element not in self._selecting
        }

    def __iter__(self) -> Iterator[Contract]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def find(self, key: ElementKey) -> Contract | None:
        """The contract for the value of `key`; None if the element has none, or none that selects it."""
        for contract in self._selecting.get(key.element, _NONE):
            if selects(contract.selector, key):
                return contract
        return self._defaults.get(key.element)

    def find_ended(self, key: ElementKey) -> Contract | None:
        """The contract that the value of `key` had until its element was retired."""
        return None if self._ended is None else self._ended.find(key)

    def facts_of(self, key: ElementKey) -> Facts:
        """Facts for the policy from the contract of the value of `key`."""
        contract = self.find(key) or self.find_ended(key)
        return {} if contract is None else contract.facts

    def get(self, key: ElementKey) -> Contract:
        """The contract by which a change was decided, even if it has ended since. Raises LookupError."""
        found = self.find(key) or self.find_ended(key)
        if found is None:
            raise LookupError(f"No contract selects {key.joined(':')}.")
        return found

    def has(self, element: str) -> bool:
        """Whether the element has any contract."""
        return element in self._defaults or element in self._selecting

    def returned_to(self, key: ElementKey) -> UUID | None:
        """The only connection that gets the value: the source of the value's record. None: any connection."""
        origin = RETURNED_ELEMENTS.get(key.element)
        contract = None if origin is None else self.find(key._replace(element=origin))
        return None if contract is None else contract.source_connection_id

    def is_source(self, connection_id: UUID, key: ElementKey) -> bool:
        """Whether the connection is the source of truth of any element of the record of `key`."""
        if connection_id in self._sources:
            return True
        found = (self.find(key._replace(element=element)) for element in self._selecting)
        return any(each is not None and each.source_connection_id == connection_id for each in found)


_NONE: Final[tuple[Contract, ...]] = ()
