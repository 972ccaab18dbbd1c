"""A bulk operation from start to file: Shopify runs a query by itself, and its result is fetched as JSON lines.

https://shopify.dev/docs/api/usage/bulk-operations/queries
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain, repeat
from typing import Any, BinaryIO

from commerce.errors import HubError, IntegrationError, NotAuthorised, OutcomeUnknown, Rejected, UnexpectedAnswer
from integrations.connector import Services
from integrations.http import ApiClient
from integrations.shopify import documents_bulk as documents
from integrations.shopify.graphql import VENDOR, GraphQL, user_errors
from integrations.shopify.settings import ShopifySettings

WAITS = (1, 2, 4, 8, 15)
LONGEST_WAIT = 30
"""Seconds between two looks at a running operation; Shopify advises 5 to 30."""
LONGEST_FILE = 50 * 1024**3
FRESH_ADDRESSES = 2
"""How often an address that the storage host refuses is asked for anew; each is signed for a time."""


class NoBulk(Exception):
    """Shopify gave no bulk result, or none to rely on: what was wanted has to be read page by page."""


class BulkOperations:
    """Runs one query after the other."""

    def __init__(self, graphql: GraphQL, settings: ShopifySettings, services: Services) -> None:
        self._graphql, self._clock, self._sleep = graphql, services.clock, services.sleep
        self._patience = timedelta(minutes=settings.bulk_minutes).total_seconds()
        # Results lie with a storage host that must not see our token: a client of its own, without any credential.
        self._storage = ApiClient(
            vendor=VENDOR,
            base_url=settings.base_url,
            transport=services.transport,
            calls=services.calls,
            sleep=services.sleep,
            hosts=settings.bulk_hosts,
            longest_answer=LONGEST_FILE,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._storage.close()

    def run(self, query: str, into: BinaryIO) -> int:
        """Run `query` and fetch its lines into a file; returns how many objects Shopify counted.

        Raises NoBulk when it is refused, fails, is cancelled, expires, takes longer than the settings allow, or its
        result cannot be fetched. Raises what GraphQL calls raise when Shopify cannot be asked at all.
        """
        started = self._start(query)
        try:
            done = self._finished(started)
        except BaseException:
            self._cancel(started)
            raise
        count = str(done.get("objectCount") or "0")
        self._fetch(done, into)
        return int(count) if count.isdigit() else -1

    def _start(self, query: str) -> str:
        try:
            payload = self._graphql.ask(documents.BULK_RUN, query=query).get("bulkOperationRunQuery")
        except (Rejected, OutcomeUnknown, NotAuthorised, UnexpectedAnswer) as refused:
            raise NoBulk(str(refused)) from refused
        payload = payload if isinstance(payload, dict) else {}
        operation = payload.get("bulkOperation")
        for error in user_errors(payload):
            raise NoBulk(f"Shopify refuses it: {error.get('message')} ({error.get('code')})")
        if not isinstance(operation, dict) or not isinstance(operation.get("id"), str):
            raise NoBulk("Shopify started it without telling its id")
        return str(operation["id"])

    def _finished(self, operation: str) -> dict[str, Any]:
        """The operation, once it is completed."""
        until = self._clock() + self._patience
        for wait in chain(WAITS, repeat(LONGEST_WAIT)):
            found = self._look(operation)
            status = str(found.get("status"))
            if status == "COMPLETED":
                return found
            if status not in ("CREATED", "RUNNING"):
                raise NoBulk(f"it ended as {status} ({found.get('errorCode')})")
            if self._clock() + wait > until:
                raise NoBulk(f"it is {status} after {self._patience / 60:g} minutes; bulk_minutes allows no more")
            self._sleep(wait)
        raise AssertionError("the waits never end")

    def _look(self, operation: str) -> dict[str, Any]:
        found = self._graphql.ask(documents.BULK_POLL, id=operation).get("bulkOperation")
        if not isinstance(found, dict):
            raise NoBulk("Shopify no longer knows it")
        return found

    def _cancel(self, operation: str) -> None:
        """So that it takes no place from the next one. It may be over already, or Shopify unreachable."""
        with contextlib.suppress(HubError):
            self._graphql.ask(documents.BULK_CANCEL, id=operation)

    def _fetch(self, done: dict[str, Any], into: BinaryIO) -> None:
        for left in range(FRESH_ADDRESSES, -1, -1):
            if done.get("url") is None:
                if str(done.get("status")) != "COMPLETED":
                    raise NoBulk(f"its result is gone ({done.get('status')})")
                into.seek(0)
                into.truncate()
                return
            try:
                self._storage.request("GET", str(done["url"]), operation="BulkResult", into=into)
                return
            except UnexpectedAnswer as error:
                raise NoBulk(f"its result is not fetched: {error} (bulk_hosts names who may be called)") from error
            except (NotAuthorised, Rejected) as error:  # signed addresses expire
                if not left:
                    raise NoBulk(f"its result cannot be fetched: {error}") from error
                done = self._look(str(done["id"]))
            except IntegrationError as error:
                raise NoBulk(f"its result cannot be fetched: {error}") from error


def lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file from its beginning, without empty ones."""
    file.seek(0)
    for line in file:
        if line.strip():
            yield line
