import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.auth.csrf import SAFE_METHODS, is_token, make_token, require_same_site
from tenants.errors import CrossSiteRequest
from tenants.secrets import new_secret

SECRET, OTHER = bytes(range(32)), bytes(32)
ORIGIN = "https://portal.example"
GOOD = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}

secrets_ = st.binary(min_size=32, max_size=32)


def check(
    method: str = "POST",
    headers: dict[str, str] | None = None,
    token: str | None = None,
    secret: bytes | None = SECRET,
) -> None:
    token = make_token(SECRET, new_secret) if token is None else token
    require_same_site(
        method=method, headers=GOOD if headers is None else headers, origin=ORIGIN, token=token, secret=secret
    )


class TestTokens:
    @given(secrets_, secrets_)
    def test_a_token_is_its_own_sessions_only(self, secret: bytes, other: bytes) -> None:
        token = make_token(secret, new_secret)
        assert is_token(token, secret)
        assert is_token(token, other) == (other == secret)

    def test_no_two_pages_have_the_same_bytes(self) -> None:
        tokens = {make_token(SECRET, new_secret) for _ in range(50)}
        assert len(tokens) == 50

    @given(st.text(max_size=100))
    def test_made_up_tokens_are_refused(self, token: str) -> None:
        assert not is_token(token, SECRET)

    @given(st.integers(0, 85), st.sampled_from("ABCxyz09-_"))
    def test_any_changed_character_invalidates_it(self, place: int, sign: str) -> None:
        token = make_token(SECRET, new_secret)
        changed = token[:place] + sign + token[place + 1 :]
        assert is_token(changed, SECRET) == (changed == token)


class TestRequests:
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "post", "ANYTHING"])
    def test_an_unsafe_request_from_our_own_page_passes(self, method: str) -> None:
        check(method)
        check(method, headers={})  # a browser that does not send these headers
        with pytest.raises(CrossSiteRequest):
            check(method, token="")

    @pytest.mark.parametrize("method", sorted(SAFE_METHODS))
    def test_reading_needs_nothing(self, method: str) -> None:
        check(method, headers={"origin": "https://evil.example"}, token="", secret=None)

    def test_the_token_of_another_session_is_refused(self) -> None:
        with pytest.raises(CrossSiteRequest):
            check(token=make_token(OTHER, new_secret))

    def test_without_a_session_nothing_passes(self) -> None:
        with pytest.raises(CrossSiteRequest):
            check(secret=None)

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example", "http://portal.example", "https://portal.example:444", "null", "",
            "https://portal.example.evil.example", "https://sub.portal.example", "https://[", "portal.example",
        ],
    )  # fmt: skip
    def test_another_origin_is_refused_even_with_the_token(self, origin: str) -> None:
        with pytest.raises(CrossSiteRequest):
            check(headers={"origin": origin})

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "", "bogus"])
    def test_fetch_metadata_refuses_even_a_valid_token(self, site: str) -> None:
        with pytest.raises(CrossSiteRequest):
            check(headers={"sec-fetch-site": site})

    def test_a_default_port_is_the_same_origin(self) -> None:
        check(headers={"origin": "https://portal.example:443"})
