"""The rules of Slack's blocks, as its simulator enforces them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

MOST_BLOCKS = 50
ALL_TEXT = 13_200
MARKDOWN = 12_000
PING = re.compile(r"<!(channel|here|everyone)[|>]|<!subteam\^|<@[UW]")
KINDS = ("plain_text", "mrkdwn")
KNOWN = {"plain_text": {"type", "text", "emoji"}, "mrkdwn": {"type", "text", "verbatim"}}

Block = Mapping[str, Any]


class Wrong(Exception):
    """A refusal, by Slack's word."""


# https://docs.slack.dev/reference/block-kit/blocks
def refuse_bad_blocks(blocks: Any) -> None:
    """At most 50 blocks of known types, with texts of the right kind and length. Raises Wrong."""
    if not isinstance(blocks, list):
        raise Wrong("invalid_blocks_format")
    if len(blocks) > MOST_BLOCKS or not all(isinstance(block, dict) and good_block(block) for block in blocks):
        raise Wrong("invalid_blocks")
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    written = [block["text"] for block in blocks if block["type"] == "markdown"]
    if len(set(ids)) < len(ids) or sum(map(width, written)) > MARKDOWN:
        raise Wrong("invalid_blocks")
    if sum(map(width, texts({"blocks": blocks}))) > ALL_TEXT:
        raise Wrong("msg_blocks_too_long")


def good_block(block: Block) -> bool:
    """Whether one block keeps its rules."""
    kind, block_id = block.get("type"), block.get("block_id", "")
    known = isinstance(kind, str) and kind in RULES and isinstance(block_id, str) and width(block_id) <= 255
    return known and RULES[str(kind)](block)


def good_text(text: Any, longest: int, kinds: tuple[str, ...] = KINDS) -> bool:
    """Whether a text object is of one of these kinds, not empty and not too long."""
    if not isinstance(text, dict) or text.get("type") not in kinds:
        return False
    words = text.get("text")
    return set(text) <= KNOWN[text["type"]] and isinstance(words, str) and 1 <= width(words) <= longest


def width(text: str) -> int:
    """Characters, counted in UTF-16 units: the strictest way."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _header(block: Block) -> bool:
    return set(block) <= {"type", "text", "block_id"} and good_text(block.get("text"), 150, ("plain_text",))


def _section(block: Block) -> bool:
    if not set(block) <= {"type", "text", "fields", "block_id", "accessory", "expand"}:
        return False
    fields = block.get("fields", [])
    good_fields = isinstance(fields, list) and len(fields) <= 10 and all(good_text(one, 2_000) for one in fields)
    return good_fields and (good_text(block["text"], 3_000) if "text" in block else bool(fields))


def _context(block: Block) -> bool:
    elements = block.get("elements")
    return isinstance(elements, list) and 1 <= len(elements) <= 10 and all(good_text(one, 3_000) for one in elements)


def _actions(block: Block) -> bool:
    elements = block.get("elements")
    return isinstance(elements, list) and 1 <= len(elements) <= 25 and all(_button(one) for one in elements)


def _button(one: Any) -> bool:
    if not isinstance(one, dict) or one.get("type") != "button" or not good_text(one.get("text"), 75, ("plain_text",)):
        return False
    return width(str(one.get("url", ""))) <= 3_000 and width(str(one.get("value", ""))) <= 2_000


def _markdown(block: Block) -> bool:
    return isinstance(block.get("text"), str) and width(block["text"]) >= 1


RULES: dict[str, Callable[[Block], bool]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "markdown": _markdown,
    "divider": lambda block: set(block) <= {"type", "block_id"},
}


def texts(message: Block) -> list[str]:
    """Every text of a message."""
    found = [message.get("text") or ""]
    for block in message.get("blocks") or ():
        inner = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
        found.extend(one["text"] for one in inner if isinstance(one, dict) and isinstance(one.get("text"), str))
        found.extend([block["text"]] if isinstance(block.get("text"), str) else [])
    return found
