"""Payments: the port to payment providers, the requests sent to them, and their states beside ours."""
