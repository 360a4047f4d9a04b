"""Changes: what was proposed, what policy said, what each channel shows; and rolling back."""
