"""Addresses of this slice that the canary does not visit."""

UNVISITED = {
    "/scim/": "it needs an identity provider",
}
