"""Translation of source events into canonical messages, and their delivery to the rooms that subscribe to them."""
