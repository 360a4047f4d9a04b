"""The fleet: health of all clients of one MSP."""
