"""Canonical data model, into which every connected system's data is translated. Pure values, no I/O."""
