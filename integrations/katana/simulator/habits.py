"""What is not certain about Katana: each is a switch, so that the client can be tried with both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass
class Habits:
    """How this account's Katana behaves where its pages say nothing, or two things."""

    reset_in_ms: bool = False
    """X-Ratelimit-Reset in milliseconds, as documented, or in seconds, as in the documentation's example."""
    retry_after: bool = True
    """Whether a 429 says Retry-After."""
    paging: Literal["text", "typed", "none"] = "text"
    """X-Pagination's values as strings, as clients see them; as numbers and booleans, as declared; or no header."""
    most: int = 250
    """The largest `limit`."""
    too_large: Literal["refuse", "clamp"] = "refuse"
    """What becomes of a larger one: 422, or silently the largest."""
    extend: bool = True
    """Whether /inventory takes notice of `extend`; some parameters are ignored in silence."""
    kits: Literal["marked", "typed"] = "marked"
    """A kit is a product with `is_auto_assembly`, or its variant's type says "kit"."""
    deleted_in_stock: bool = False
    """Whether /inventory still lists deleted variants."""
    told_of_commitment: bool = False
    """Whether a change of `committed` alone is a current_inventory event."""
    signature: Literal["hex", "prefixed", "base64"] = "hex"
    """How x-sha2-signature is written."""
    api: bool = True
    """Whether the account's plan has the API."""
