"""Retention: periods per class of data, legal holds, and deletions, planned and past."""
