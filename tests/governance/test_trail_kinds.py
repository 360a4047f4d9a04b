"""U16: every audited action is found under a kind of the audit page's filter."""

import re
from pathlib import Path

from governance.audit_trail.filters import KINDS

ROOT = Path(__file__).parents[2]
ROOMS = ("platform", "tenants", "connectors", "branding", "billing")


def test_u16_every_audited_action_is_under_a_kind() -> None:
    sources = [path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    audited = {found for source in sources for found in re.findall(r'action=f?"([a-z_]+)\.', source)}
    assert len(audited) > 15
    assert audited - {kind for kinds in KINDS.values() for kind in kinds} == set()
