"""Row structs of contracts and observations."""

from datetime import datetime
from uuid import UUID

import msgspec

from canonical.elements import REFERENCE_ELEMENTS, ElementType, element_type
from canonical.keys import PRODUCT
from canonical.messages import Observation
from governance.elements.value_rules import NO_RULES, ValueRules
from policy.conditions import Facts
from policy.facts import REGULATED_FACT, WORKFLOW_FACT


class Contract(msgspec.Struct, frozen=True):
    """An element contract; see `governance.elements.models.ElementContract`."""

    element: str
    source_connection_id: UUID | None
    propagation_slo_ms: int
    correction_slo_ms: int
    approval_ttl_s: int
    clocks_from: datetime | None = None
    decision_slo_ms: int = 86_400_000
    declared: ElementType | None = None
    """Declaration of a custom element."""
    selector: str = ""
    """See `governance.elements.selectors`."""
    is_ended: bool = False
    """The element is retired: no new values are accepted, and running changes are completed by this contract."""
    rules: ValueRules = NO_RULES
    version: int = 1
    is_regulated: bool = False
    needs_approval: bool = False
    """Of every change; see `Workflow.ALWAYS_APPROVE`."""
    channels: frozenset[UUID] | None = None
    """The only channels that get its values; None: every channel that can show them."""

    @property
    def distributed(self) -> bool:
        return self.declared.distributed if self.declared else self.element not in REFERENCE_ELEMENTS

    @property
    def facts(self) -> Facts:
        """Facts for the policy about the values of this contract."""
        named = ((REGULATED_FACT, self.is_regulated), (WORKFLOW_FACT, self.needs_approval))
        return {name: 1 for name, applies in named if applies}

    @property
    def is_of_products(self) -> bool:
        """Whether the element describes products. Orders, by contrast, are events: they are no state to compare."""
        known = self.declared or element_type(self.element)
        return known is None or known.record_type == PRODUCT


class Observed(msgspec.Struct, frozen=True, gc=False):
    """An observation with its origin."""

    observation: Observation
    connection_id: UUID
    source_event_id: UUID
    correlation: str
    any_version: bool = False
    """Requested by a person, so applied regardless of the known version."""
