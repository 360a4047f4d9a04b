"""Crawler: follows the links of a page within its host, a few of each kind."""

import io
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlencode, urljoin, urlsplit

import httpx
import lxml.html
from pypdf import PdfReader

from tests.support.web_app import Visit

_NUMBER = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}|(?<=/)\d+(?=/|$)")
_LEADS_OUT = ("/sign-out", "/impersonation", "/payment-account/connect", "/sign-in/sso/", "/single-sign-on/try")
"""Parts of links that end the session or lead to another system."""


@dataclass(frozen=True)
class Words:
    """Words that must not appear: the product's, and those of accounts unrelated to the reader."""

    forbidden: tuple[str, ...]

    def found_in(self, answer: httpx.Response) -> list[str]:
        """Words that an answer contains: in its body, a PDF's text, its headers, or encoded in addresses."""
        text = text_of(answer).lower() + "\n".join(f"{name}: {value}" for name, value in answer.headers.items()).lower()
        text += unquote(text)
        return [word for word in self.forbidden if word.lower() in text]


def text_of(answer: httpx.Response) -> str:
    if not answer.headers.get("content-type", "").startswith("application/pdf"):
        return answer.text
    reader = PdfReader(io.BytesIO(answer.content))
    about = [str(reader.metadata), "" if reader.xmp_metadata is None else str(reader.xmp_metadata.stream.get_data())]
    return "\n".join([page.extract_text() for page in reader.pages] + about)


@dataclass
class Crawl:
    """A crawl that reads `most` pages of each kind. `faults` are sentences about words found and broken links."""

    visit: Visit
    words: Words
    headers: Mapping[str, str] = field(default_factory=dict)
    most: int = 1
    faults: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    types: set[str] = field(default_factory=set)
    answers: int = 0

    async def walk(self, *starts: str, may_miss: Sequence[str] = ()) -> None:
        """Crawl from the starts. Those in `may_miss` may answer 404."""
        waiting = deque((start, "") for start in (*starts, *may_miss))
        known = {start for start, _ in waiting}
        while waiting:
            path, origin = waiting.popleft()
            answer = await self.visit.http.get(path, headers=dict(self.headers))
            self.answers += 1
            self.types.add(answer.headers.get("content-type", "").partition(";")[0])
            self.faults += [f"{path}, linked on {origin}: has “{word}”" for word in self.words.found_in(answer)]
            if answer.status_code >= 400 and path not in may_miss:
                self.faults.append(f"{path}, linked on {origin}: {answer.status_code}")
            for link in links_of(answer, str(self.visit.http.base_url)):
                kind = kind_of(link)
                if link in known or self.kinds[kind] >= self.most or any(part in link for part in _LEADS_OUT):
                    continue
                known.add(link)
                self.kinds[kind] += 1
                waiting.append((link, path))


def kind_of(link: str) -> str:
    """The path without the parts that vary between pages of one kind, such as filters and orders of a list."""
    return _NUMBER.sub("#", urlsplit(link).path)


def links_of(answer: httpx.Response, base: str) -> Iterator[str]:
    """Addresses of the same host to which a page, its scripts, or a redirect lead."""
    here = str(answer.request.url)
    found = [answer.headers["location"]] if "location" in answer.headers else []
    if answer.headers.get("content-type", "").startswith("text/html") and answer.content.strip():
        document = lxml.html.document_fromstring(answer.content)
        found += document.xpath("//@href | //@src | //@hx-get")
        found += [_form_address(form) for form in document.xpath("//form[@method='get' or not(@method)][@action]")]
    for link in found:
        whole = urljoin(here, link)
        if whole.startswith(f"{base.rstrip('/')}/"):
            parts = urlsplit(whole)
            yield f"{parts.path}?{parts.query}" if parts.query else parts.path


def _form_address(form: lxml.html.HtmlElement) -> str:
    """The address of a form that is sent unchanged."""
    path = str(form.get("action")).partition("?")[0]
    return f"{path}?{urlencode(form.form_values())}"
