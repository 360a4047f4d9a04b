"""Changes: intake of observations and proposals, decisions, rollback."""
