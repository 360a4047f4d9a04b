"""Parameters of this slice of which the canary has no row."""

UNSAMPLED = {"sla_credit_id": "no service level is missed here"}
