"""Addresses of this slice that the canary does not visit."""

UNVISITED = {"/api/v1/clients/{client:str}/billing-details/vat-check": "404 until a VAT id was checked in VIES"}
