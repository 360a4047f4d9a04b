"""Single items of a template, on its page."""
