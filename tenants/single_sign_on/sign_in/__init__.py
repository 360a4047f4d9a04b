"""Public pages of single sign-on."""
