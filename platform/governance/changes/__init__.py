"""Changes: from observation or proposal to a decision, and rolling back."""
