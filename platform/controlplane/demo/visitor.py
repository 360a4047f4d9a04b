"""A scripted browser session: signs in, reads and acts over HTTP."""

import re
from types import TracebackType
from typing import Any, Self

import httpx2

_TOKEN = re.compile(r'name="_csrf_token"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="_csrf_token"')


class Visitor:
    """`base` is the brand's address; the connection goes to loopback with the brand's Host header."""

    def __init__(self, base: str, port: int) -> None:
        host = base.removeprefix("http://")
        self._http = httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"Host": host, "Origin": base}, timeout=30
        )
        self._token = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def sign_in(self, email: str, password: str) -> None:
        """Raises RuntimeError when the sign-in is refused."""
        page = await self._http.get("/sign-in")
        form = {"email": email, "password": password, "_csrf_token": _token_of(page.text), "next": ""}
        answer = await self._http.post("/sign-in", data=form)
        if answer.status_code != 303:
            raise RuntimeError(f"{email} could not sign in: {answer.status_code}")

    async def page(self, path: str) -> str:
        answer = await self._http.get(path, follow_redirects=True)
        answer.raise_for_status()
        if found := _TOKEN.search(answer.text):
            self._token = found.group(1) or found.group(2)
        return answer.text

    async def status(self, path: str) -> int:
        return (await self._http.get(path)).status_code

    async def api(self, method: str, path: str, body: object | None = None) -> Any:
        headers = {"Accept": "application/json", "X-CSRF-Token": self._token}
        answer = await self._http.request(method, f"/api/v1{path}", json=body, headers=headers)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None


def _token_of(page: str) -> str:
    found = _TOKEN.search(page)
    if found is None:
        raise RuntimeError("The page has no form token.")
    return found.group(1) or found.group(2)
