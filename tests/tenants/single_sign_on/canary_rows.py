"""Addresses of this slice that the canary does not visit."""

UNVISITED = {
    "/sign-in/sso/": "it needs an identity provider",
}
