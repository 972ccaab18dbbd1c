"""Whether a webhook came from who it says: signatures over the raw bytes, compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def signed_base64(secrets: Iterable[str], body: bytes, signature: str) -> bool:
    """Whether `signature` is the base64 HMAC-SHA256 of `body` under one of `secrets`.

    Several secrets are accepted while one is replaced. An empty secret signs nothing.
    """
    given = signature.strip().encode("utf-8", "replace")
    matches = [hmac.compare_digest(base64.b64encode(_mac(secret, body)), given) for secret in secrets if secret]
    return any(matches)


def signed_hex(secrets: Iterable[str], body: bytes, signature: str) -> bool:
    """Whether `signature` is the lower-case hex HMAC-SHA256 of `body`, with or without a "sha256=" prefix."""
    given = signature.strip().removeprefix("sha256=").lower().encode("utf-8", "replace")
    matches = [hmac.compare_digest(_mac(secret, body).hex().encode(), given) for secret in secrets if secret]
    return any(matches)


def signed_rsa(key: rsa.RSAPublicKey, message: bytes, signature: str) -> bool:
    """Whether `signature` (base64 or base64url) is RSASSA-PKCS1-v1_5 with SHA-256 over `message`."""
    try:
        raw = base64.b64decode(signature.replace("-", "+").replace("_", "/") + "=" * (-len(signature) % 4))
        key.verify(raw, message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _mac(secret: str, body: bytes) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()
