"""Addresses of this slice that the canary does not visit."""

UNVISITED = {
    "/payment-links/": "it needs an account at a payment provider",
}
