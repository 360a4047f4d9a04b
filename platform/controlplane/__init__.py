"""Composition root: the app, the command line, migrations, embedded servers, the demo."""
