"""What Klaviyo offers here: limits, scopes and query parameters of each endpoint, as its OpenAPI file gives them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import httpx

from integrations.klaviyo.simulator.answers import Refusal


@dataclass(frozen=True)
class Endpoint:
    """One operation. `limits` are calls a second and a minute; all `scopes` are needed."""

    method: str
    path: str
    limits: tuple[int, int]
    scopes: tuple[str, ...]
    does: str
    """The simulator's method that answers it."""
    params: tuple[str, ...] = ()
    pattern: re.Pattern[str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", re.compile(re.sub(r"{\w+}", "([^/]+)", self.path)))

    @property
    def name(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"


XS, S, M, L, XL = (1, 15), (3, 60), (10, 150), (75, 750), (350, 3500)
PAGED = ("page[cursor]", "page[size]")
IMPORTS = "/api/profile-bulk-import-jobs"

ENDPOINTS = (
    Endpoint("POST", "/api/events", XL, ("events:write",), "create_event"),
    Endpoint("POST", "/api/event-bulk-create-jobs", M, ("events:write",), "create_events"),
    Endpoint(
        "GET",
        "/api/events",
        XL,
        ("events:read",),
        "list_events",
        ("filter", "sort", "fields[event]", "include", *PAGED),
    ),
    Endpoint(
        "GET",
        "/api/profiles",
        L,
        ("profiles:read",),
        "list_profiles",
        ("filter", "sort", "fields[profile]", "additional-fields[profile]", *PAGED),
    ),
    Endpoint(
        "GET",
        "/api/profiles/{id}",
        L,
        ("profiles:read",),
        "read_profile",
        ("fields[profile]", "additional-fields[profile]"),
    ),
    Endpoint("POST", "/api/profiles", L, ("profiles:write",), "create_profile"),
    Endpoint("POST", "/api/profile-import", L, ("profiles:write",), "import_profile"),
    Endpoint("POST", IMPORTS, M, ("lists:write", "profiles:write"), "import_profiles"),
    Endpoint("GET", f"{IMPORTS}/{{job_id}}", M, ("lists:read", "profiles:read"), "read_import"),
    Endpoint("GET", f"{IMPORTS}/{{id}}/import-errors", M, ("profiles:read",), "list_import_errors", PAGED),
    Endpoint("GET", "/api/metrics", M, ("metrics:read",), "list_metrics", ("filter", "fields[metric]", "page[cursor]")),
    Endpoint("GET", "/api/mapped-metrics", S, ("metrics:read",), "list_mapped_metrics"),
    Endpoint("GET", "/api/accounts", XS, ("accounts:read",), "list_accounts"),
    Endpoint("POST", "/api/data-privacy-deletion-jobs", S, ("data-privacy:write",), "delete_profiles"),
    Endpoint(
        "POST",
        "/api/profile-subscription-bulk-create-jobs",
        L,
        ("lists:write", "profiles:write", "subscriptions:write"),
        "subscribe",
    ),
)


def endpoint(request: httpx.Request) -> tuple[Endpoint, tuple[str, ...]]:
    """The operation that is asked for, and the ids in its path. Raises Refusal."""
    path = request.url.path.rstrip("/") or "/"
    for one in ENDPOINTS:
        met = one.pattern.fullmatch(path) if one.method == request.method else None
        if met:
            return one, met.groups()
    if any(one.pattern.fullmatch(path) for one in ENDPOINTS):
        detail = f'Method "{request.method}" not allowed.'
        raise Refusal(405, "method_not_allowed", "Method not allowed.", detail)
    raise Refusal(404, "not_found", "Not found.", "The path that you requested does not exist.")


def refuse_unknown_params(request: httpx.Request, known: tuple[str, ...]) -> None:
    """A query parameter that the operation does not have is an error, not a whim."""
    for name in request.url.params:
        if name not in known:
            detail = f"'{name}' is not a valid query parameter for this endpoint."
            raise Refusal(400, "invalid", "Invalid input.", detail, parameter=name)
