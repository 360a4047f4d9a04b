"""Parts of this room."""

from typing import Final

import policy.models
from foundation.rooms import Room
from policy.audit_actions import PolicyAction, RoleAction
from policy.cache import PolicyCache
from policy.packaged import packaged_rules
from policy.permissions import PolicyPermission
from policy.retention import RETAINED

ROOM: Final = Room(
    name="policy",
    models=(policy.models,),
    services=lambda services: (PolicyCache(packaged_rules(services.rooms.grants)),),
    permissions=(PolicyPermission,),
    audit_actions=(PolicyAction, RoleAction),
    retained=RETAINED,
)
