"""A web server with CSV files in memory: conditional requests (RFC 9110), proof of who asks, and what goes wrong."""

from __future__ import annotations

import gzip
import hashlib
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from typing import Any, ClassVar

import httpx

from integrations.simulator import Clock, Simulator

TOKEN = "sim-token"  # noqa: S105  the simulator's own, no secret


@dataclass
class File:
    """One file. `written` in seconds since the epoch."""

    body: bytes
    written: float
    content_type: str = "text/csv"

    @property
    def etag(self) -> str:
        """Another one for other bytes."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


class CsvSimulator(Simulator):
    """Files by name, e.g. "stock.csv". Asks for a Bearer token, or for name and password when it was given both."""

    vendor: ClassVar[str] = "csv"

    def __init__(
        self, *, base_url: str, clock: Clock, limits: bool, token: str = TOKEN, username: str = "", password: str = ""
    ) -> None:
        super().__init__(base_url=base_url, clock=clock, limits=limits)
        self.token = token
        self.username = username
        self.password = password
        self.files: dict[str, File] = {}
        self.redirects: dict[str, str] = {}
        self.says_when = True
        self.knows_head = True
        self.missing_bytes = 0
        self.lines_while_read: list[str] = []

    # ---- the server ----

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Proof first, then the file."""
        if not self._knows(request.headers.get("authorization", "")):
            scheme = "Basic" if self.username else "Bearer"
            return httpx.Response(401, headers={"www-authenticate": f'{scheme} realm="files"'}, text="Unauthorized")
        name = request.url.path.strip("/")
        if name in self.redirects:
            return httpx.Response(302, headers={"location": self.redirects[name]})
        if request.method not in ("GET", "HEAD") or (request.method == "HEAD" and not self.knows_head):
            return httpx.Response(405, headers={"allow": "GET"})
        if name not in self.files:
            return httpx.Response(404, text="Not Found")
        return self._file(name, request)

    def _knows(self, proof: str) -> bool:
        if not self.username:
            return proof == f"Bearer {self.token}"
        try:
            return b64decode(proof.removeprefix("Basic ")).decode() == f"{self.username}:{self.password}"
        except ValueError:
            return False

    def _file(self, name: str, request: httpx.Request) -> httpx.Response:
        file = self.files[name]
        headers = {"content-type": file.content_type, **self._marks(file)}
        if self._unchanged(file, request):
            return httpx.Response(304, headers=headers)
        headers["content-length"] = str(len(file.body))
        if request.method == "HEAD":
            return httpx.Response(200, headers=headers)
        answer = httpx.Response(200, headers=headers, content=file.body[: len(file.body) - self.missing_bytes])
        if self.lines_while_read:
            file.body += self.lines_while_read.pop(0).encode()
            file.written = self.clock()
        return answer

    def _marks(self, file: File) -> dict[str, str]:
        if not self.says_when:
            return {}
        return {"etag": file.etag, "last-modified": formatdate(file.written, usegmt=True)}

    def _unchanged(self, file: File, request: httpx.Request) -> bool:
        """If-None-Match goes before If-Modified-Since."""
        if not self.says_when:
            return False
        if "if-none-match" in request.headers:
            return request.headers["if-none-match"] in ("*", file.etag)
        since = request.headers.get("if-modified-since")
        return since is not None and int(file.written) <= parsedate_to_datetime(since).timestamp()

    # ---- the world ----

    def do_put(
        self,
        text: str,
        name: str = "stock.csv",
        encoding: str = "utf-8",
        packed: bool = False,
        age_hours: float = 0.0,
        content_type: str = "text/csv",
    ) -> None:
        """Somebody publishes a file, written so many hours ago; `packed` with gzip."""
        body = text.encode(encoding)
        self.files[name] = File(gzip.compress(body) if packed else body, self.clock() - age_hours * 3600, content_type)

    def do_remove(self, name: str = "stock.csv") -> None:
        """Somebody deletes a file."""
        del self.files[name]

    def do_redirect(self, to: str, name: str = "stock.csv") -> None:
        """The file's address sends everybody to another one."""
        self.redirects[name] = to

    def do_login_page(self, name: str = "stock.csv") -> None:
        """The file's address answers 200 with a page to log in."""
        self.files[name] = File(b"<!doctype html><title>Log in</title>", self.clock(), "text/html; charset=utf-8")

    def do_cut(self, missing_bytes: int = 1) -> None:
        """So many bytes at the end do not arrive, although Content-Length promises them; 0: all arrive again."""
        self.missing_bytes = missing_bytes

    def do_write_while_read(self, lines: list[str]) -> None:
        """After each fetch the next of these is appended to the file."""
        self.lines_while_read = list(lines)

    def do_habits(self, says_when: bool = True, knows_head: bool = True) -> None:
        """Whether the server sends ETag and Last-Modified, and whether it answers HEAD."""
        self.says_when, self.knows_head = says_when, knows_head

    def state(self) -> dict[str, Any]:
        """Every file: its bytes in base64, and when it was written."""
        return {
            "files": {
                name: {"base64": b64encode(file.body).decode(), "written": file.written}
                for name, file in self.files.items()
            }
        }


def build(*, base_url: str, clock: Clock = time.time, limits: bool = True, **options: Any) -> CsvSimulator:
    """A server without files. Options: `token`, or `username` and `password`."""
    return CsvSimulator(base_url=base_url, clock=clock, limits=limits, **options)
