"""This room's permissions."""

from foundation.marks import N_
from foundation.permissions import Permission


class WebhookPermission(Permission, heading=N_("Webhooks")):
    READ = "webhook:read", N_("Read webhooks and their deliveries")
    WRITE = "webhook:write", N_("Change webhooks and send events again")
