"""Addresses of this slice that the canary does not visit."""

UNVISITED = {
    "/api/v1/clients/{client:str}/single-sign-on": "it needs an identity provider",
    "/clients/{client:str}/members/single-sign-on/try": "it needs an identity provider",
}
