"""The product's rooms, lower ones first: a new room is one line here."""

from typing import Final

import billing.room
import branding.room
import connectors.room
import controlplane.room
import foundation.room
import governance.room
import policy.room
import tenants.room
import webhooks.room
from foundation.rooms import Rooms

ROOMS: Final = Rooms((
    foundation.room.ROOM,
    policy.room.ROOM,
    branding.room.ROOM,
    tenants.room.ROOM,
    connectors.room.ROOM,
    billing.room.ROOM,
    webhooks.room.ROOM,
    governance.room.ROOM,
    controlplane.room.ROOM,
))  # fmt: skip
