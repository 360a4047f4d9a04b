"""The canonical data model: what every connected system is translated into. Pure values, no I/O."""
