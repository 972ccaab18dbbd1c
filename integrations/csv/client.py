"""A CSV file, and what the hub asks of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from commerce.errors import IntegrationError, NotAuthorised, UnexpectedAnswer
from commerce.ports import Finding, Unreadable
from commerce.stock import StockLevel
from integrations.connector import Services
from integrations.csv.feed import CHUNK, VENDOR, BeingWritten, Feed, local_mark, read_local
from integrations.csv.mapping import to_levels
from integrations.csv.settings import CsvSettings
from integrations.csv.table import lines_of
from integrations.csv.web import WebFile

WAITS = (2.0, 5.0)
"""Seconds between the tries to read a file that is being written."""
HOUR = 3600.0
SHOWN = 10


class Csv:
    """A file with stock. Implements StockSource."""

    def __init__(self, settings: CsvSettings, services: Services) -> None:
        self.settings = settings
        self.services = services
        self.web = WebFile(settings, services) if settings.url else None

    def close(self) -> None:
        """Give the connections back."""
        if self.web:
            self.web.api.close()

    def stock(self) -> Iterator[StockLevel | Unreadable]:
        """Every level of the file. Nothing is yielded before the whole file has been read.

        Levels are as of the moment at which the file was written, where that is known: what was sold since then is not
        in it. Raises IntegrationError when the file is not there, not whole, too old or no table.
        """
        feed = self._whole()
        self._refuse_old(feed)
        lines = lines_of(feed.body, self.settings)
        yield from list(to_levels(self.settings, lines, self._as_of(feed)))

    def check(self) -> Iterator[Finding]:
        """Read the file as a run would, and say what is in it."""
        try:
            feed = self._whole()
            yield self._age(feed)
            found = list(to_levels(self.settings, lines_of(feed.body, self.settings), self._as_of(feed)))
        except NotAuthorised as refused:
            yield Finding(subject="credential", ok=False, message=str(refused), hint=self._prove())
            return
        except IntegrationError as error:
            hint = error.hint or "check path or url"
            yield Finding(subject="file", ok=False, message=str(error), hint=hint)
            return
        levels = [one for one in found if isinstance(one, StockLevel)]
        places = sorted({level.location for level in levels})
        message = f"{len(levels)} levels at {len(places)} locations: {', '.join(places[:SHOWN])}"
        yield Finding(subject="rows", ok=bool(levels), message=message, hint="" if levels else "see what is held below")
        held = [one for one in found if isinstance(one, Unreadable)]
        if held:
            message = f"{len(held)} cannot be read, for example: {held[0].reason}"
            yield Finding(subject="held", ok=False, message=message, hint=held[0].hint)

    def _whole(self) -> Feed:
        """The file, read while nobody writes it. Raises BeingWritten when somebody keeps writing."""
        for wait in (*WAITS, None):
            try:
                return self._read()
            except BeingWritten:
                if wait is None:
                    raise
                self.services.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _read(self) -> Feed:
        if self.web:
            return self.web.read()
        path = self.settings.path
        before, written = local_mark(path)
        quiet = self.services.clock() - written
        if quiet < self.settings.quiet_seconds:
            self.services.sleep(self.settings.quiet_seconds - max(0.0, quiet))
            if local_mark(path)[0] != before:
                raise BeingWritten(VENDOR, f"{path} is being written")
        return read_local(path, self.settings.most_megabytes * CHUNK)

    def _refuse_old(self, feed: Feed) -> None:
        """Raise UnexpectedAnswer for a file that nobody has written for too long."""
        finding = self._age(feed)
        if not finding.ok:
            raise UnexpectedAnswer(VENDOR, finding.message, hint=finding.hint)

    def _age(self, feed: Feed) -> Finding:
        most = self.settings.max_age_hours
        if feed.written is None:
            message = "nobody says when the file was written (no Last-Modified)"
            hint = "" if most is None else "leave max_age_hours out, or use a server that says it"
            return Finding(subject="age", ok=most is None, message=message, hint=hint)
        hours = max(0.0, self._now() - feed.written) / HOUR
        if most is not None and hours > most:
            message = f"the file is stale: written {hours:.1f} hours ago, more than {most:g}; nothing was changed"
            return Finding(subject="age", ok=False, message=message, hint="see why it is not written any more")
        return Finding(subject="age", ok=True, message=f"written {hours:.1f} hours ago")

    def _now(self) -> float:
        """Now, by the clock of whoever keeps the file."""
        theirs = self.web.api.answered_at if self.web else None
        return theirs.timestamp() if theirs else self.services.clock()

    def _as_of(self, feed: Feed) -> datetime:
        """What was sold after the file was written is not in it."""
        now = self._now()
        return datetime.fromtimestamp(now if feed.written is None else min(now, feed.written), UTC)

    def _prove(self) -> str:
        variable = f"BACKROOM_{self.settings.name.upper().replace('-', '_')}"
        wanted = f"{variable}_PASSWORD" if self.settings.username else f"{variable}_TOKEN, or set username"
        return f"set {wanted}"
