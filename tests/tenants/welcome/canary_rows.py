"""Addresses of this slice that the canary does not visit."""

UNVISITED = {
    "/welcome": "each link is for one invitation",
}
