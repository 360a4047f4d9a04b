"""Tests of `billing.revenue`."""
