"""Addresses of this slice that the canary does not visit."""

UNVISITED = {
    "/api/v1/clients/{client:str}/usage/summary": "it names its meter in a parameter",
}
