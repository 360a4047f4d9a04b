"""Tests of `billing.vendor_bills`."""
