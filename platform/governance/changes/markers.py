"""Marks in the bodies of ingest jobs."""

from typing import Final

ANY_VERSION: Final = "any_version"
"""In the work of a replay: of which record and element the version is not compared with the known one."""
