"""Retention: periods per class of data, legal holds, planned and past deletions."""
