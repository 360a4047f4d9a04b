"""All clients of one MSP at a glance."""
