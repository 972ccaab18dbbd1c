"""Secrets are compared without telling, by the time that it takes, where the first difference is."""

from __future__ import annotations

import hmac

import pytest


def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes]]:
    """All pairs that are compared in constant time from now on."""
    pairs: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def counting(one: bytes, other: bytes) -> bool:
        pairs.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    return pairs
