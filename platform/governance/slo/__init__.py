"""Time targets: breaches, escalation, and clocks that stand still."""
