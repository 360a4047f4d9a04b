"""Roles that an account composes of permissions, and the preview of a role's pages."""
