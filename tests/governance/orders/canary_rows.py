"""Addresses of this slice that the canary does not visit."""

UNVISITED = {
    "/clients/{client:str}/orders/order": "a parameter of its query names it: tests/governance/pages/test_orders.py",
    "/api/v1/clients/{client:str}/orders/order": "as the page",
}
