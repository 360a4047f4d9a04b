"""Translation of source events into canonical messages, and their delivery to subscribing rooms."""
