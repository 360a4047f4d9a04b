"""Tests of `billing.usage`."""
