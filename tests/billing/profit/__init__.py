"""Tests of `billing.profit`, and of revenue on stored invoices."""
