"""Marks of texts that are translated where they are shown."""


def N_(text: str) -> str:  # noqa: N802 - the name that extraction tools look for
    """Marks `text` for translation; it is translated where it is shown."""
    return text


def NN_(one: str, many: str) -> tuple[str, str]:  # noqa: N802 - the name that extraction tools look for
    """Marks the two English forms of a text with `{number}`; `Localizer.plural` chooses the form of the language."""
    return one, many


class Phrase(str):
    """A parameter that is a marked text itself, written in the language of its sentence."""

    __slots__ = ()
