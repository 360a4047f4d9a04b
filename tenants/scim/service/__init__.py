"""The service of SCIM, `/scim/v2`."""
