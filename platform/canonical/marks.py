"""The mark of texts that are translated where they are shown; `canonical` imports no other package."""


def N_(text: str) -> str:  # noqa: N802 - the name that extraction tools look for
    """Marks `text` for translation; it is translated where it is shown."""
    return text
