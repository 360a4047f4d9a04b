"""Bringing people in: invitations, where each stands, and what an invitation's link opens."""
