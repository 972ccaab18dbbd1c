"""A file on the web: fetched whole, from its own host only, and not again while it is the same."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import httpx

from commerce.errors import UnexpectedAnswer
from integrations.auth import HeaderAuth
from integrations.connector import Services
from integrations.csv.feed import CHUNK, VENDOR, BeingWritten, CutShort, Feed, too_large, unpacked
from integrations.csv.settings import CsvSettings
from integrations.http import ApiClient

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 3
ANY_REFUSAL = range(300, 600)
OPERATION = "GET the file"
"""What the call is named in errors and counts: the address may hold a secret."""


class WebFile:
    """The file behind a URL."""

    def __init__(self, settings: CsvSettings, services: Services) -> None:
        self.most = settings.most_megabytes * CHUNK
        secret = settings.query.get_secret_value().lstrip("?")
        self.address = settings.address
        if secret:
            query = b"&".join(part for part in (self.address.query, secret.encode()) if part)
            self.address = self.address.copy_with(query=query)
        self._kept: tuple[httpx.Headers, Feed] | None = None
        self.api = ApiClient(
            vendor=VENDOR,
            base_url=f"{self.address.scheme}://{self.address.netloc.decode()}",
            auth=proof(settings),
            # Packed on the way, half a file could not be told from a whole one.
            headers={"accept": "text/csv, text/plain;q=0.9, */*;q=0.5", "accept-encoding": "identity"},
            transport=services.transport,
            calls=services.calls,
            times=services.times,
            sleep=services.sleep,
            timeout=60.0,
            longest_answer=self.most + 1,
        )

    def read(self) -> Feed:
        """The file. Raises IntegrationError; BeingWritten when it changed meanwhile."""
        answer = self._fetched()
        if answer.status_code == 304:
            if self._kept is None:
                raise UnexpectedAnswer(VENDOR, "answered that nothing has changed, although we have nothing")
            return self._kept[1]
        self._refuse_half(answer)
        refuse_page(answer)
        self._refuse_change(answer)
        feed = Feed(unpacked(answer.content, self.most), moment_of(answer.headers.get("last-modified", "")))
        self._kept = (answer.headers, feed)
        return feed

    def _fetched(self) -> httpx.Response:
        address, conditions = self.address, self._conditions()
        for _ in range(MOST_REDIRECTS + 1):
            answer = self.api.request(
                "GET", str(address), headers=conditions, operation=OPERATION, expect=REDIRECTS | {304}
            )
            if answer.status_code not in REDIRECTS:
                return answer
            address = self._next(address, answer.headers.get("location", ""))
        raise UnexpectedAnswer(VENDOR, "is sent from one address to the next without end", hint="check url")

    def _next(self, address: httpx.URL, location: str) -> httpx.URL:
        """Where a redirect leads, if that is the same host: our credential goes nowhere else."""
        try:
            leads_to = address.join(location)
        except httpx.InvalidURL:
            leads_to = httpx.URL("")
        if not location or (leads_to.scheme, leads_to.netloc) != (address.scheme, address.netloc):
            where = leads_to.host or "nowhere"
            raise UnexpectedAnswer(
                VENDOR,
                f"the file's address sends us to another host ({where}), which we do not follow",
                hint="is it a page to log in? else set url to where the file is in the end",
            )
        return leads_to

    def _conditions(self) -> dict[str, str]:
        """What makes the server say 304 while the file is the one that we have."""
        if self._kept is None:
            return {}
        wanted = {"if-none-match": "etag", "if-modified-since": "last-modified"}
        headers = self._kept[0]
        return {name: headers[known] for name, known in wanted.items() if known in headers}

    def _refuse_half(self, answer: httpx.Response) -> None:
        """Raise CutShort when fewer bytes came than were promised."""
        promised = answer.headers.get("content-length", "")
        if len(answer.content) > self.most:
            raise too_large(self.most)
        came, packed = len(answer.content), "content-encoding" in answer.headers
        if not packed and promised.isascii() and promised.isdigit() and came != int(promised):
            raise CutShort(f"{came} bytes came where {promised} were promised")

    def _refuse_change(self, answer: httpx.Response) -> None:
        """Raise BeingWritten when the file is another one already; servers that know no HEAD are believed."""
        marks = ("etag", "last-modified")
        if not any(name in answer.headers for name in marks):
            return
        look = self.api.request("HEAD", str(answer.request.url), operation="HEAD the file", expect=ANY_REFUSAL)
        if look.is_success and any(
            name in look.headers and name in answer.headers and look.headers[name] != answer.headers[name]
            for name in marks
        ):
            raise BeingWritten(VENDOR, "the file changed while it was fetched")


def proof(settings: CsvSettings) -> httpx.Auth | None:
    """What we show the server: a token, a name with its password, or nothing."""
    if settings.username:
        return httpx.BasicAuth(settings.username, settings.password.get_secret_value())
    token = settings.token.get_secret_value()
    return HeaderAuth("authorization", f"Bearer {token}") if token else None


def refuse_page(answer: httpx.Response) -> None:
    """Raise UnexpectedAnswer for a web page: a login that is answered with 200."""
    if answer.headers.get("content-type", "").strip().lower().startswith(("text/html", "application/xhtml")):
        hint = "is it a page to log in? check url and the credential"
        raise UnexpectedAnswer(VENDOR, "the address answers with a web page instead of a file", hint=hint)


def moment_of(text: str) -> float | None:
    """An HTTP date in seconds since the epoch; None for anything else."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
