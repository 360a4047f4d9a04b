"""Tests of `billing.three_way`."""
