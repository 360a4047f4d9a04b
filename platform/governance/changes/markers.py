"""Keys in the bodies of ingest jobs."""

from typing import Final

ANY_VERSION: Final = "any_version"
"""In a replay job: the record and element whose version is not compared with the known version."""
