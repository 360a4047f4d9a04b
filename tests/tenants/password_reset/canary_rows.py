"""Addresses of this slice that the canary does not visit."""

UNVISITED = {
    "/reset-password": "each link is for one reset",
}
