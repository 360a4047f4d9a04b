"""Reconciliation of accepted usage with invoice lines."""
