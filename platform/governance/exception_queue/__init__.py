"""The queue of open exceptions."""
