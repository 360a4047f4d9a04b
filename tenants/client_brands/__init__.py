"""A client's own parts of the brand: the editor, the API and the command."""
