"""A Slack channel behind an incoming webhook: strict about blocks, lengths and pace, and short in its answers."""

from __future__ import annotations

import math
import time
from typing import Any, Literal

import httpx

from integrations.simulator import Bucket, Clock, Simulator, json_body
from integrations.slack.simulator.blocks import PING, Wrong, refuse_bad_blocks, texts

HOOK = "/services/T000/B000/XXXX"
STATUS = {
    "invalid_payload": 400,
    "invalid_blocks": 400,
    "invalid_blocks_format": 400,
    "msg_blocks_too_long": 400,
    "no_text": 400,
    "too_many_attachments": 400,
    "user_not_found": 400,
    "action_prohibited": 403,
    "invalid_token": 403,
    "posting_to_general_channel_denied": 403,
    "team_disabled": 403,
    "channel_not_found": 404,
    "no_service": 404,
    "no_service_id": 404,
    "no_team": 404,
    "channel_is_archived": 410,
    "rollup_error": 500,
}
"""Each error word with its status."""
BLOCK_WORDS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
PAGE = "<!DOCTYPE html><html><body>This page does not exist.</body></html>"


class SlackSimulator(Simulator):
    """One channel. `hook` is the path of its webhook; limits are one message a second with five at once.

    `removed_as`: how a webhook that was removed answers: with 404 and a word, with a redirect, or with a page.
    `limited_as`: whether a 429 is text or JSON.
    """

    vendor = "slack"

    def __init__(
        self,
        *,
        base_url: str,
        clock: Clock = time.time,
        limits: bool = True,
        hook: str = HOOK,
        removed_as: Literal["word", "redirect", "page"] = "word",
        limited_as: Literal["text", "json"] = "text",
    ) -> None:
        super().__init__(base_url=base_url, clock=clock, limits=limits)
        self.hook = hook
        self.removed_as = removed_as
        self.limited_as = limited_as
        self.removed = False
        self.broken = ""
        self.messages: list[dict[str, Any]] = []
        self._statuses = dict(STATUS)
        self._bucket = Bucket(5, 1.0, clock)

    @property
    def webhook_url(self) -> str:
        """What the merchant copies from Slack."""
        return self.base_url + self.hook

    def answer(self, request: httpx.Request) -> httpx.Response:
        """200 "ok", or a status and one word."""
        wrong = self._wrong_address(request.url.path)
        if wrong:
            return self._refuse(wrong)
        if self.removed:
            return self._removed()
        if request.method != "POST":
            return self._refuse("invalid_payload")
        if self.limits and not self._bucket.take():
            return self._limited(max(1, math.ceil(self._bucket.wait_for())))
        try:
            message = read_message(request)
            self._refuse_broken(message)
        except Wrong as wrong_message:
            return self._refuse(str(wrong_message))
        self.messages.append({**message, "at": self.clock()})
        return httpx.Response(200, text="ok")

    def _wrong_address(self, path: str) -> str:
        """The word for an address that is not the webhook's: the part that is wrong decides."""
        asked, ours = path.strip("/").split("/"), self.hook.strip("/").split("/")
        if asked == ours:
            return ""
        if len(asked) != len(ours) or asked[:2] != ours[:2]:
            return "no_team"
        return "no_service" if asked[2] != ours[2] else "invalid_token"

    def _removed(self) -> httpx.Response:
        if self.removed_as == "redirect":
            return httpx.Response(302, headers={"location": "https://slack.com/"})
        return httpx.Response(200, html=PAGE) if self.removed_as == "page" else self._refuse("no_service")

    def _limited(self, wait: int) -> httpx.Response:
        headers = {"retry-after": str(wait)}
        if self.limited_as == "json":
            return httpx.Response(429, headers=headers, json={"ok": False, "error": "rate_limited"})
        return httpx.Response(429, headers=headers, text="rate_limited")

    def _refuse_broken(self, message: dict[str, Any]) -> None:
        if self.broken and (self.broken not in BLOCK_WORDS or "blocks" in message):
            raise Wrong(self.broken)

    def _refuse(self, word: str) -> httpx.Response:
        return httpx.Response(self._statuses[word], text=word)

    def state(self) -> dict[str, Any]:
        """Messages in the order they came, and how many of them pinged people."""
        pings = sum(any(PING.search(text) for text in texts(message)) for message in self.messages)
        return {"messages": list(self.messages), "pings": pings}

    def do_break(self, error: str = "no_service", status: int = 0) -> None:
        """From now on every message gets this error; block errors only those with blocks.

        `status` is another one than we believe the word to have.
        """
        if error not in STATUS:
            raise ValueError(f"{error!r} is none of {', '.join(STATUS)}")
        self.broken = error
        self._statuses[error] = status or STATUS[error]

    def do_mend(self) -> None:
        """Slack takes messages again."""
        self.broken, self.removed, self._statuses = "", False, dict(STATUS)

    def do_remove_webhook(self) -> None:
        """Somebody removes the app from the workspace."""
        self.removed = True

    def do_archive_channel(self) -> None:
        """Somebody archives the channel."""
        self.do_break("channel_is_archived")


def read_message(request: httpx.Request) -> dict[str, Any]:
    """The message, if Slack would take it. Raises Wrong."""
    # https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    body = json_body(request)
    kind = request.headers.get("content-type", "").split(";")[0]
    if kind != "application/json" or not isinstance(body, dict):
        raise Wrong("invalid_payload")
    text, blocks, attachments = body.get("text"), body.get("blocks"), body.get("attachments")
    if text is not None and not isinstance(text, str):
        raise Wrong("invalid_payload")
    if attachments is not None and not isinstance(attachments, list):
        raise Wrong("invalid_payload")
    if attachments is not None and len(attachments) > 100:
        raise Wrong("too_many_attachments")
    if not (text or "").strip() and not blocks and not attachments:
        raise Wrong("no_text")
    if blocks is not None:
        refuse_bad_blocks(blocks)
    more = {"blocks": blocks, "attachments": attachments, "thread_ts": body.get("thread_ts")}
    # channel, username and icon belong to the webhook and are not looked at
    return {"text": (text or "")[:40_000], **{name: value for name, value in more.items() if value is not None}}


def build(*, base_url: str, clock: Clock = time.time, limits: bool = True, **options: Any) -> Simulator:
    """A fresh channel. Options are those of `SlackSimulator`."""
    return SlackSimulator(base_url=base_url, clock=clock, limits=limits, **options)
