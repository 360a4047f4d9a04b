"""Propagation of a change to a channel, with read-back."""
