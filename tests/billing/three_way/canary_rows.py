"""Addresses of this slice that the canary does not visit."""

UNVISITED = {
    "/three-way-check/difference": "it names the difference in parameters",
    "/api/v1/three-way-check/difference": "it names the difference in parameters",
}
