"""Drift: values that were changed on a channel after they were proven."""
