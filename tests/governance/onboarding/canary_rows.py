"""Addresses of this slice that the canary does not visit."""

UNVISITED = {"/clients/{client:str}/onboarding/progress": "it names its step in a parameter"}
