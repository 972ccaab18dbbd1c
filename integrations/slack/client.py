"""Slack's incoming webhook: one endpoint, whose path is the secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx

from commerce.errors import (
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    UnexpectedAnswer,
)
from commerce.ports import Alert, Finding
from integrations.connector import Services
from integrations.http import ApiClient, told_wait
from integrations.slack.mapping import to_message, to_plain_message
from integrations.slack.settings import SlackSettings

VENDOR = "slack"
PACE = [(1, 1.0)]
"""Slack allows one message a second for each webhook."""
PUBLIC_PATH = "/webhook"
"""What errors, logs and counters say instead of the secret path."""
OUR_FAULT = frozenset(
    {
        "invalid_payload",
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "no_text",
        "too_many_attachments",
    }
)
"""Words about the message itself, which plain text may cure."""
FORBIDDEN = frozenset({"action_prohibited", "posting_to_general_channel_denied"})
"""Words of an administrator's rule."""
GONE = frozenset(
    {
        "channel_is_archived",
        "channel_not_found",
        "invalid_token",
        "no_service",
        "no_service_id",
        "no_team",
        "team_disabled",
    }
)
"""Words of a webhook that works no more. Their statuses are not sure, so the word decides."""
WORD = re.compile(r"[a-z0-9_]{1,60}")
NEW_WEBHOOK = "make a new webhook in Slack (app > Incoming Webhooks) and set this connection's WEBHOOK_URL to it"
ASK_ADMIN = f"ask an administrator of the workspace to allow it, or, for another channel, {NEW_WEBHOOK}"


class HiddenPath(httpx.BaseTransport):
    """Puts the secret address on a request at the last moment.

    httpx logs each request's URL, and errors quote its path: neither ever sees the real one.
    """

    def __init__(self, url: str, transport: httpx.BaseTransport) -> None:
        self._url = url
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request where it belongs."""
        url = httpx.URL(self._url)
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
        hidden = httpx.Request(
            request.method, url, headers=headers, content=request.read(), extensions=request.extensions
        )
        try:
            return self._transport.handle_request(hidden)
        except httpx.TransportError as error:
            error.request = request
            raise

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()


class Slack:
    """One channel. Implements Alerts."""

    def __init__(self, settings: SlackSettings, services: Services) -> None:
        self.settings = settings
        self._api = ApiClient(
            vendor=VENDOR,
            base_url=settings.base_url,
            transport=HiddenPath(settings.target(), services.transport or httpx.HTTPTransport(trust_env=False)),
            inspect=judge,
            pace=services.pace(PACE) if settings.pace else None,
            calls=services.calls,
            times=services.times,
            sleep=services.sleep,
            tries=3,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._api.close()

    def tell(self, alert: Alert) -> None:
        """Post one message; as plain text when Slack refuses its blocks.

        A webhook takes no key and has no look-up, so after a lost answer nobody can say whether the message is there.
        Raises NotAuthorised when the webhook is gone, RateLimited, TemporarilyUnavailable, OutcomeUnknown, Rejected.
        """
        try:
            self._post(to_message(alert))
        except Rejected as refused:
            if refused.code not in OUR_FAULT:
                raise
            self._post(to_plain_message(alert))

    def check(self) -> Iterator[Finding]:
        """Look at the address's shape: Slack has no way to try a webhook without writing to the channel."""
        if self.settings.looks_like_slack:
            message = "the address has the right shape; whether it works shows with the first alert"
            yield Finding(subject="webhook", ok=True, message=message)
            return
        message = "the address is not one of hooks.slack.com/services/T…/B…/…; right only for a simulator"
        local = self.settings.target().startswith("http://")
        yield Finding(subject="webhook", ok=local, message=message, hint="" if local else NEW_WEBHOOK)

    def _post(self, message: dict[str, Any]) -> None:
        # https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
        self._api.request("POST", PUBLIC_PATH, json=message, safety="once", operation="tell")


def judge(response: httpx.Response) -> None:
    """Raise what any answer but 200 "ok" means. Quotes Slack's one-word body and nothing else."""
    status, word = response.status_code, said(response)
    if status == 200 and word == "ok":
        return
    answer = f"answered {status} {word}"
    if status == 429:
        raise RateLimited(VENDOR, answer, retry_after=told_wait(response))
    if word in FORBIDDEN:
        raise NotAuthorised(VENDOR, f"the workspace forbids posting here ({answer})", hint=ASK_ADMIN, code=word)
    if word in GONE or status in (403, 404, 410):
        raise NotAuthorised(VENDOR, f"webhook removed or forbidden ({answer})", hint=NEW_WEBHOOK, code=word)
    if status >= 500 or status == 408 or word == "rollup_error":
        raise OutcomeUnknown(VENDOR, f"{answer}, which does not say whether the message is there", code=word)
    if response.is_success or response.is_redirect:
        raise UnexpectedAnswer(VENDOR, f"{answer} instead of 200 ok; was the webhook removed?", hint=NEW_WEBHOOK)
    raise Rejected(VENDOR, answer, code=word)


def said(response: httpx.Response) -> str:
    """Slack's word ("ok", "no_service"); "something else" for a page, which might repeat the address."""
    text = response.text.strip()
    return text if WORD.fullmatch(text) else "something else"
