"""The npm package `oidc-provider` as a process, one per pytest process, and a browser that signs in there."""

import html
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import httpx

from tests.support.ports import free_port

_SCRIPT = Path(__file__).with_name("oidc_provider.mjs")
_FORM = re.compile(r'<form[^>]*action="([^"]*)"')
_FIELD = re.compile(r'<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"')


@dataclass(frozen=True)
class OidcServer:
    issuer: str

    def register(self, redirect_uri: str, home: str) -> tuple[str, str]:
        """Client ID and secret of a new application."""
        asked = {
            "redirect_uris": [redirect_uri], "post_logout_redirect_uris": [f"{home}/sign-in"],
            "grant_types": ["authorization_code"], "response_types": ["code"],
        }  # fmt: skip
        made = httpx.post(f"{self.issuer}/reg", json=asked, timeout=60)
        assert made.status_code == 201, made.text
        return made.json()["client_id"], made.json()["client_secret"]


@dataclass
class Person:
    """A browser at the provider. `login` is `sub|email|yes or no|group,group`."""

    login: str
    http: httpx.Client

    def answer(self, address: str) -> str:
        """Follow the address through the provider's forms. Returns the address of the callback, with its query."""
        page = self.http.get(address)
        for _ in range(12):
            if page.is_redirect:
                place = urljoin(str(page.url), page.headers["location"])
                if "/sign-in/sso/" in place:
                    return place
                page = self.http.get(place)
                continue
            form = _FORM.search(page.text)
            assert form is not None, page.text[:2000]
            fields = {name: html.unescape(value) for name, value in _FIELD.findall(page.text)}
            if 'name="login"' in page.text:
                fields |= {"login": self.login, "password": "x"}
            page = self.http.post(urljoin(str(page.url), html.unescape(form[1])), data=fields)
        raise AssertionError(page.text[:2000])


@contextmanager
def running_oidc_server(log: Path) -> Iterator[OidcServer]:
    port = free_port()
    with (
        log.open("wb") as errors,
        subprocess.Popen(["node", str(_SCRIPT), str(port)], stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.strip() == b"ready":
                    break
            else:
                raise AssertionError(log.read_text())
            yield OidcServer(f"http://127.0.0.1:{port}")
        finally:
            process.kill()
