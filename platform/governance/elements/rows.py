"""Row structs of contracts and observations."""

from datetime import datetime
from uuid import UUID

import msgspec

from canonical.elements import REFERENCE_ELEMENTS, ElementType, element_type
from canonical.keys import PRODUCT
from canonical.messages import Observation


class Contract(msgspec.Struct, frozen=True):
    """See `governance.elements.models.ElementContract`."""

    element: str
    source_connection_id: UUID | None
    propagation_slo_ms: int
    correction_slo_ms: int
    approval_ttl_s: int
    clocks_from: datetime | None = None
    decision_slo_ms: int = 86_400_000
    declared: ElementType | None = None
    """Of a custom element."""
    selector: str = ""
    """See `governance.elements.selectors`."""
    is_ended: bool = False
    """Its element is retired: it takes no values any more, and what is under way ends by it."""

    @property
    def distributed(self) -> bool:
        return self.declared.distributed if self.declared else self.element not in REFERENCE_ELEMENTS

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
