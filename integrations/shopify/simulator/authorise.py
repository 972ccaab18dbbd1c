"""The page where a merchant installs the app and gives it access.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx


def page(sim: Any, request: httpx.Request) -> httpx.Response:
    """GET /admin/oauth/authorize: the merchant agrees at once, and the browser goes back to the app.

    As at Shopify, an unknown app or an address that the app does not list leads nowhere.
    """
    asked = dict(request.url.params)
    if asked.get("client_id") != sim.tokens.client_id:
        return httpx.Response(400, html="<html><body>Oauth error invalid_request: unknown client_id</body></html>")
    redirect = asked.get("redirect_uri", "")
    if sim.redirects and redirect not in sim.redirects:
        words = "Oauth error invalid_request: The redirect_uri is not whitelisted"
        return httpx.Response(400, html=f"<html><body>{words}</body></html>")
    back = {
        "code": sim.tokens.code(),
        "host": base64.b64encode(f"{sim.domain}/admin".encode()).decode().rstrip("="),
        "shop": sim.domain,
        "state": asked.get("state", ""),
        "timestamp": str(sim.moment()),
    }
    query = urlencode({**back, "hmac": signature(sim.tokens.client_secret, back)})
    return httpx.Response(302, headers={"location": f"{redirect}?{query}"})


def signature(secret: str, parameters: Mapping[str, str]) -> str:
    """Hex HMAC-SHA256 over the sorted query without `hmac`."""
    message = urlencode(sorted(parameters.items()))
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
