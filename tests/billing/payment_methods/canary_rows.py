"""Addresses of this slice that the canary does not visit."""

UNVISITED = {
    "/clients/{client:str}/payment-methods/add": "it needs an account at a payment provider",
    "/clients/{client:str}/payment-methods/portal": "it needs an account at a payment provider",
    "/clients/{client:str}/payment-methods/returned": "it needs an account at a payment provider",
}
