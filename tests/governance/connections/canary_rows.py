"""Addresses of this slice that the canary does not visit."""

UNVISITED = {
    "/reconnect": "each link is for one renewal",
    "/api/v1/clients/{client:str}/connections/{connection_id:uuid}/reconnect-link": "404 while no link is valid",
}
