"""SLOs: breaches, escalation, suspension of clocks."""
