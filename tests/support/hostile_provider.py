"""An OpenID provider in this process with configurable, also invalid, answers."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from foundation.clock import utc_now

Claims = dict[str, Any]


@dataclass
class HostileProvider:
    """The provider. `change` alters the claims of the next tokens, `sign` signs them, `metadata` replaces fields."""

    issuer: str
    key: RSAKey
    metadata: dict[str, Any] = field(default_factory=dict)
    person: Claims = field(default_factory=dict)
    change: Callable[[Claims], Claims] = lambda claims: claims
    sign: Callable[["HostileProvider", Claims], str] | None = None
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def authorize(self, address: str) -> dict[str, str]:
        """Parameters of the callback, as the provider's page would send them after the sign-in."""
        query = dict(parse_qsl(urlsplit(address).query))
        code = f"code-{next(self.numbers)}"
        self.codes[code] = query
        return {"code": code, "state": query["state"]}

    def rotate(self) -> None:
        self.key = new_key(f"key-{len(self.asked)}")

    def reset(self) -> None:
        self.metadata, self.person, self.change, self.sign = {}, {}, lambda claims: claims, None
        self.asked.clear()

    def _token(self, form: dict[str, str]) -> dict[str, Any] | None:
        query = self.codes.pop(form.get("code", ""), None)
        if query is None:
            return None
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        assert query["code_challenge"] == challenge.decode()
        assert query["code_challenge_method"] == "S256"
        now = int(utc_now().timestamp())
        claims = self.change(
            {"iss": self.issuer, "aud": query["client_id"], "exp": now + 300, "iat": now, "nonce": query["nonce"]}
            | {"auth_time": now, "groups": []}
            | self.person
        )
        token = self.sign(self, claims) if self.sign is not None else signed(self.key, claims)
        return {"access_token": "a", "token_type": "Bearer", "id_token": token}

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        if path.endswith("/openid-configuration"):
            addresses = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "jwks"}
            return 200, {
                "issuer": self.issuer, **{name: f"{self.issuer}/{end}" for name, end in addresses.items()},
                **self.metadata,
            }  # fmt: skip
        if path == "/jwks":
            return 200, {"keys": [self.key.as_dict(private=False) | {"use": "sig", "alg": "RS256"}]}
        tokens = self._token({name: values[0] for name, values in parse_qs(body.decode()).items()})
        return (200, tokens) if tokens is not None else (400, {"error": "invalid_grant"})


def new_key(key_id: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": key_id}, private=True)


def signed(key: RSAKey, claims: Claims) -> str:
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)


@contextmanager
def running_hostile_provider() -> Iterator[HostileProvider]:
    provider: HostileProvider

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, answer = provider.answer(self.command, self.path, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: Any) -> None:
            """Suppress the log of requests in the tests' output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider = HostileProvider(f"http://127.0.0.1:{server.server_address[1]}", new_key("key"))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield provider
        server.shutdown()
