"""Password strength by zxcvbn's frequency lists and patterns (keyboard rows, dates, repeats, sequences, letters
replaced by digits and signs), computed locally.

Names of the member or the account count as the commonest words.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Final

from foundation.marks import N_
from tenants.errors import WeakPassword

ENOUGH: Final = 10**10
"""Guesses. With the hashes of `tenants.auth.passwords`, at about 25 ms of one core each, eight core-years."""
_PRODUCT: Final = "Fairlead"
_LONGEST: Final = 72
"""Limit of characters checked: the time grows with their square."""
_MOST_NAMES: Final = 2_000
_SHORTEST_NAME: Final = 3
_MOST_REPLACEMENTS: Final = 8
_SEPARATORS: Final = re.compile(r"[\s._,:;/\\'\"*#~=-]+")
_AROUND: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_FEW: Final = 8
_WORTH: Final = 3
"""Guessers try years and runs of digits first, so no more than three of them count."""
_NO_WORD: Final = re.compile(r"[\W_]+")
_LOOK_ALIKES: Final = str.maketrans("авекмнорстухіјѕԁһαορντεικυ", "abekmhopctyxijsdhaopvteiku")
_ELSEWHERE: Final = """
    passwort kennwort geheim hallo willkommen sommer winter herbst frühling motdepasse bienvenue bonjour soleil
    contraseña bienvenido verano invierno senha segredo wachtwoord welkom zomer hasło heslo salasana lösenord parola
    пароль привет любовь йцукен йцукенгш йцукенгшщзхъ фывапролджэ ячсмитьбю azerty azertyuiop qsdfghjklm wxcvbn qwertz
    qwertzuiop qwertzuiopü asdfghjklö yxcvbnm januar februar märz april juni juli august september oktober november
    dezember montag dienstag mittwoch donnerstag freitag samstag sonntag janvier février avril juillet août septembre
    octobre décembre enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
    superuser sysadmin sysop thequickbrownfox tobeornottobe
"""
"""Words missing in zxcvbn's lists, which are of the English web: other languages and keyboards, and a few phrases."""


def require_hard_to_guess(password: str, names: Iterable[str]) -> None:
    """Check strength. `names`: of the member, the account and the provider. Takes up to a second: not for an event
    loop.

    Raises:
        WeakPassword: fewer than `ENOUGH` guesses are expected to find the password.
    """
    own = _words([_PRODUCT, *names])
    if _guesses(password, []) < ENOUGH:
        raise WeakPassword(
            N_(
                "This password is easy to guess: it is common or follows a common pattern. Three or four unrelated "
                "words are a good choice."
            )
        )
    if _guesses(password, own) < ENOUGH:
        raise WeakPassword(
            N_(
                "This password is easy to guess: it consists of names related to you or this account. Three or four "
                "unrelated words are a good choice."
            )
        )


def _guesses(password: str, names: Iterable[str]) -> float:
    from zxcvbn import matching, scoring  # noqa: PLC0415 - its lists are read where passwords are chosen only

    # Not by `zxcvbn.zxcvbn`, which shares one caller's names with later calls and other threads.
    words = {name: rank for rank, name in enumerate(dict.fromkeys([*names, *_words(_ELSEWHERE.split())]), start=1)}
    dictionaries: dict[str, Mapping[str, int]] = {**matching.RANKED_DICTIONARIES, "user_inputs": words}
    least = math.inf
    for form, times in _forms(password, matching.L33T_TABLE):
        matches = matching.omnimatch(form, dictionaries)
        least = min(least, times * float(scoring.most_guessable_match_sequence(form, matches)["guesses"]))
    return least


def _forms(password: str, table: Mapping[str, list[str]]) -> Iterable[tuple[str, int]]:
    """Reduced forms of the password, each with the factor of guesses for the rest: as typed; without separators between
    letters (`p.a.s.s.w.o.r.d`); and without a few digits and signs around a word (`2026password2026`).
    """
    read = _bound_replacements(_fold(password)[:_LONGEST], table)
    joined = _SEPARATORS.sub("", read)
    yield from ((form, 1) for form in dict.fromkeys((read, joined)) if form)
    word = _AROUND.sub("", joined)
    if word and 0 < len(joined) - len(word) <= _FEW:
        yield word, 10 ** min(_WORTH, len(joined) - len(word))


def _bound_replacements(text: str, table: Mapping[str, list[str]]) -> str:
    """Limit the signs that may replace letters: zxcvbn tries each combination of replacements, which takes seconds
    for many. Above the limit each sign is replaced by one letter.
    """
    ways = math.prod(max(1, sum(sign in text for sign in signs)) for signs in table.values())
    if ways <= _MOST_REPLACEMENTS:
        return text
    letters: dict[str, Any] = {sign: letter for letter, signs in table.items() for sign in signs}
    return text.translate(str.maketrans(letters))


def _words(names: Iterable[str]) -> list[str]:
    """The words of each name, and each name as one word."""
    found: list[str] = []
    for name in names:
        parts = [part for part in _NO_WORD.split(_fold(name)) if part]
        found += ["".join(parts), *parts]
    return [word for word in dict.fromkeys(found) if len(word) >= _SHORTEST_NAME][:_MOST_NAMES]


def _fold(text: str) -> str:
    """Lower case, without accents, in plain characters, and in Latin letters for look-alikes."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return letters.translate(_LOOK_ALIKES)
