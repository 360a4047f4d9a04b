"""U16: every audited action is found under a kind of the audit page's filter."""

from controlplane.rooms import ROOMS
from governance.audit_trail.filters import KINDS


def test_u16_every_audited_action_is_under_a_kind() -> None:
    audited = {code.partition(".")[0] for code in ROOMS.audit_labels}
    assert len(audited) > 15
    assert audited - {kind for kinds in KINDS.values() for kind in kinds} == set()
