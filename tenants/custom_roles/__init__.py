"""Roles that an account makes of permissions, and what a role shows its holders."""
