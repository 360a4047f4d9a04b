"""Verification of ID tokens (OpenID Connect Core 1.0 §3.1.3.7). Pure: keys and time are parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError, MissingClaimError

from tenants.single_sign_on.discovery import PublishedKey
from tenants.single_sign_on.errors import SignInProblem, SingleSignOnRefused

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a public key. `none` and those with the client's secret (HS256) are never accepted."""
SKEW: Final = timedelta(seconds=60)
"""Greatest difference between the provider's clock and ours."""
LONGEST: Final = 64 * 1024
_LONGEST_SUBJECT: Final = 255
_BY_CLAIM: Final = {
    "iss": SignInProblem.ISSUER, "aud": SignInProblem.AUDIENCE, "azp": SignInProblem.AUDIENCE,
    "nonce": SignInProblem.NONCE, "exp": SignInProblem.TIMES, "iat": SignInProblem.TIMES, "nbf": SignInProblem.TIMES,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExpectedToken:
    """Expected claims. `asked_at`: start of the sign-in. `asks_again`: the person must have signed in since then."""

    issuer: str
    client_id: str
    nonce: str
    asked_at: datetime
    asks_again: bool = False


def key_id_of(token: str) -> str | None:
    """Id of the token's key; None if the token has none.

    Raises:
        SingleSignOnRefused: the text is no token, or is signed by an algorithm that is not accepted.
    """
    if len(token) > LONGEST:
        raise SingleSignOnRefused(SignInProblem.TOKEN)
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, UnicodeError, RecursionError):
        raise SingleSignOnRefused(SignInProblem.TOKEN) from None
    key_id = header.get("kid")
    if header.get("alg") not in ALGORITHMS or (key_id is not None and not isinstance(key_id, str)):
        raise SingleSignOnRefused(SignInProblem.TOKEN)
    return key_id


def fitting_keys(keys: Sequence[PublishedKey], key_id: str | None) -> list[PublishedKey]:
    return [one for one in keys if key_id is None or one.id == key_id]


def verify_id_token(
    token: str, keys: Sequence[PublishedKey], expected: ExpectedToken, *, now: datetime
) -> Mapping[str, Any]:
    """The claims of a token that one of `keys` signed.

    Raises:
        SingleSignOnRefused: the signature, or a claim, is not as expected.
    """
    claims = _verified(token, fitting_keys(keys, key_id_of(token)))
    registry = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()), leeway=int(SKEW.total_seconds()),
        iss={"essential": True, "value": expected.issuer}, aud={"essential": True, "value": expected.client_id},
        sub={"essential": True}, exp={"essential": True}, iat={"essential": True}, nonce={"essential": True},
    )  # fmt: skip
    try:
        registry.validate(dict(claims))
    except ExpiredTokenError:
        raise SingleSignOnRefused(SignInProblem.TIMES) from None
    except ClaimError as error:
        missing = isinstance(error, MissingClaimError)
        problem = SignInProblem.TOKEN if missing else _BY_CLAIM.get(error.claim, SignInProblem.TOKEN)
        raise SingleSignOnRefused(problem) from None
    _check_further(claims, expected)
    return claims


def _verified(token: str, keys: Sequence[PublishedKey]) -> Mapping[str, Any]:
    for each in keys:
        try:
            return jwt.decode(token, each.key, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError, TypeError, RecursionError):
            continue
    raise SingleSignOnRefused(SignInProblem.TOKEN)


def _check_further(claims: Mapping[str, Any], expected: ExpectedToken) -> None:
    """Checks that the library lacks: other audiences, the nonce, the subject, and the times of issue and sign-in."""
    audience, party = claims["aud"], claims.get("azp")
    if (isinstance(audience, list) and len(audience) > 1) or party is not None:
        _require(party == expected.client_id, SignInProblem.AUDIENCE)
    _require(claims["nonce"] == expected.nonce, SignInProblem.NONCE)
    _require(0 < len(claims["sub"]) <= _LONGEST_SUBJECT, SignInProblem.TOKEN)
    earliest = (expected.asked_at - SKEW).timestamp()
    _require(claims["iat"] >= earliest, SignInProblem.TIMES)
    if expected.asks_again:
        at = claims.get("auth_time")
        asked = isinstance(at, int | float) and not isinstance(at, bool) and at >= earliest
        _require(asked, SignInProblem.NOT_ASKED)


def _require(holds: object, problem: SignInProblem) -> None:
    if not holds:
        raise SingleSignOnRefused(problem)
