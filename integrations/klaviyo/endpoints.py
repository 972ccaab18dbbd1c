"""The endpoints that we call: how often Klaviyo allows each, and what a key must be allowed to do for it."""

from __future__ import annotations

from typing import NamedTuple


class Endpoint(NamedTuple):
    """Calls a second and a minute, shared by all keys of an account, and the scope."""

    per_second: int
    per_minute: int
    scope: str

    @property
    def tier(self) -> str:
        """Endpoints with the same limits share our pace: it is not sure that Klaviyo counts each by itself."""
        return f"{self.per_second}/s"

    @property
    def pace(self) -> list[tuple[int, float]]:
        """Our own pace, as calls and seconds: six sevenths of what is allowed, as others use the account too."""
        return [(max(1, self.per_second * 6 // 7), 1.0), (max(1, self.per_minute * 6 // 7), 60.0)]


# https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling ; each endpoint's own page names its limits
ENDPOINTS = {
    ("POST", "/api/events"): Endpoint(350, 3_500, "events:write"),
    ("POST", "/api/event-bulk-create-jobs"): Endpoint(10, 150, "events:write"),
    ("GET", "/api/events"): Endpoint(350, 3_500, "events:read"),
    ("GET", "/api/accounts"): Endpoint(1, 15, "accounts:read"),
    ("GET", "/api/metrics"): Endpoint(10, 150, "metrics:read"),
    ("GET", "/api/mapped-metrics"): Endpoint(3, 60, "metrics:read"),
    ("GET", "/api/profiles"): Endpoint(75, 750, "profiles:read"),
    ("POST", "/api/data-privacy-deletion-jobs"): Endpoint(3, 60, "data-privacy:write"),
}


def scope_of(method: str, path: str) -> str:
    """The scope for a call to this path, which may have something before it; empty when we do not know the call."""
    return next((one.scope for (verb, end), one in ENDPOINTS.items() if verb == method and path.endswith(end)), "")
