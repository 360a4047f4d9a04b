"""The key of a value: record key and element."""

Key = tuple[str, str]
