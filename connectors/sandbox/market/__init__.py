"""The sandbox market (feeds applied later) and its adapter."""
