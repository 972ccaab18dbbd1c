"""A Slack channel behind an incoming webhook: strict about blocks, lengths and pace."""

from __future__ import annotations

import math
import re
import time
from typing import Any
from urllib.parse import urlsplit

import httpx

from integrations.simulator import Bucket, Clock, Simulator, json_body

HOOK = "/services/T000/B000/XXXX"
STATUS = {
    "invalid_payload": 400,
    "invalid_blocks": 400,
    "invalid_blocks_format": 400,
    "no_text": 400,
    "too_many_attachments": 400,
    "user_not_found": 400,
    "action_prohibited": 403,
    "invalid_token": 403,
    "channel_not_found": 404,
    "no_service": 404,
    "no_team": 404,
    "channel_is_archived": 410,
    "rollup_error": 500,
}
"""Each error word with its status."""
BLOCK_WORDS = frozenset({"invalid_blocks", "invalid_blocks_format"})
PING = re.compile(r"<!(channel|here|everyone)[|>]|<!subteam\^|<@[UW]")
ALL_TEXT = 13_200


class Wrong(Exception):
    """A refusal, by Slack's word."""


class SlackSimulator(Simulator):
    """One channel. `hook` is the path of its webhook; limits are one message a second with five at once."""

    vendor = "slack"

    def __init__(self, *, base_url: str, clock: Clock = time.time, limits: bool = True, hook: str = HOOK) -> None:
        super().__init__(base_url=base_url, clock=clock, limits=limits)
        self.hook = hook
        self.broken = ""
        self.messages: list[dict[str, Any]] = []
        self._bucket = Bucket(5, 1.0, clock)

    @property
    def webhook_url(self) -> str:
        """What the merchant copies from Slack."""
        return self.base_url + self.hook

    def answer(self, request: httpx.Request) -> httpx.Response:
        """200 "ok", or a status and one word."""
        path = urlsplit(str(request.url)).path
        if path != self.hook:
            return self._refuse("no_service" if path.startswith("/services/") else "no_team")
        if request.method != "POST":
            return self._refuse("invalid_payload")
        if self.limits and not self._bucket.take():
            wait = str(max(1, math.ceil(self._bucket.wait_for())))
            return httpx.Response(429, headers={"retry-after": wait}, text="rate_limited")
        try:
            message = read_message(request)
            self._refuse_broken(message)
        except Wrong as wrong:
            return self._refuse(str(wrong))
        self.messages.append({**message, "at": self.clock()})
        return httpx.Response(200, text="ok")

    def _refuse_broken(self, message: dict[str, Any]) -> None:
        if self.broken and (self.broken not in BLOCK_WORDS or "blocks" in message):
            raise Wrong(self.broken)

    @staticmethod
    def _refuse(word: str) -> httpx.Response:
        return httpx.Response(STATUS[word], text=word)

    def state(self) -> dict[str, Any]:
        """Messages in the order they came, and how many of them pinged people."""
        pings = sum(any(PING.search(text) for text in texts(message)) for message in self.messages)
        return {"messages": list(self.messages), "pings": pings}

    def do_break(self, error: str = "no_service") -> None:
        """From now on every message gets this error; block errors only those with blocks."""
        if error not in STATUS:
            raise ValueError(f"{error!r} is none of {', '.join(STATUS)}")
        self.broken = error

    def do_mend(self) -> None:
        """Slack takes messages again."""
        self.broken = ""

    def do_remove_webhook(self) -> None:
        """Somebody removes the app from the workspace."""
        self.do_break("no_service")

    def do_archive_channel(self) -> None:
        """Somebody archives the channel."""
        self.do_break("channel_is_archived")


def read_message(request: httpx.Request) -> dict[str, Any]:
    """The message, if Slack would take it. Raises Wrong."""
    body = json_body(request)
    kind = request.headers.get("content-type", "").split(";")[0]
    if kind != "application/json" or not isinstance(body, dict):
        raise Wrong("invalid_payload")
    text, blocks = body.get("text"), body.get("blocks")
    if text is not None and not isinstance(text, str):
        raise Wrong("invalid_payload")
    if not (text or "").strip() and not blocks:
        raise Wrong("no_text")
    if blocks is not None:
        refuse_bad_blocks(blocks)
    kept = {"text": (text or "")[:40_000]}
    return {**kept, "blocks": blocks} if blocks is not None else kept


def refuse_bad_blocks(blocks: Any) -> None:
    """At most 50 blocks of known types, with texts of the right kind and length."""
    if not isinstance(blocks, list):
        raise Wrong("invalid_blocks_format")
    if len(blocks) > 50 or not all(isinstance(block, dict) and good_block(block) for block in blocks):
        raise Wrong("invalid_blocks")
    if sum(len(text) for text in texts({"blocks": blocks})) > ALL_TEXT:
        raise Wrong("invalid_blocks")


def good_block(block: dict[str, Any]) -> bool:
    """Whether one block keeps its rules."""
    kind = block.get("type")
    if kind == "header":
        return good_text(block.get("text"), 150, kinds=("plain_text",))
    if kind == "section":
        fields = block.get("fields", [])
        has_text = "text" in block and good_text(block["text"], 3_000)
        good_fields = isinstance(fields, list) and len(fields) <= 10 and all(good_text(one, 2_000) for one in fields)
        return good_fields and (has_text if "text" in block else bool(fields))
    if kind == "context":
        elements = block.get("elements")
        return (
            isinstance(elements, list) and 1 <= len(elements) <= 10 and all(good_text(one, 3_000) for one in elements)
        )
    return kind == "divider"


def good_text(text: Any, longest: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> bool:
    """Whether a text object is of one of these kinds, not empty and not too long."""
    if not isinstance(text, dict) or text.get("type") not in kinds:
        return False
    known = {"type", "text", "emoji"} if text["type"] == "plain_text" else {"type", "text", "verbatim"}
    words = text.get("text")
    return set(text) <= known and isinstance(words, str) and 1 <= len(words) <= longest


def texts(message: dict[str, Any]) -> list[str]:
    """Every text of a message."""
    found = [message.get("text") or ""]
    for block in message.get("blocks") or ():
        inner = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
        found.extend(one["text"] for one in inner if isinstance(one, dict) and isinstance(one.get("text"), str))
    return found


def build(*, base_url: str, clock: Clock = time.time, limits: bool = True, **options: Any) -> Simulator:
    """A fresh channel. Option `hook`: the webhook's path."""
    return SlackSimulator(base_url=base_url, clock=clock, limits=limits, **options)
