"""Reset of a forgotten password by a link in a mail."""
