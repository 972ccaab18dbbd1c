"""What can go wrong, sorted by what to do next.

HubError
├── NotConfigured             stop at start and name the setting
├── Unmappable                hold for a person, name the field
└── IntegrationError
    ├── TemporarilyUnavailable    surely not applied: try again        retryable
    │   └── RateLimited           with retry_after, in seconds         retryable
    ├── OutcomeUnknown            a write that got no answer: look before writing again
    ├── NotAuthorised             pause the connection
    ├── Rejected                  hold the record, quote the vendor
    └── UnexpectedAnswer          hold: a success that we cannot read
"""

from __future__ import annotations


class HubError(Exception):
    """Anything the hub raises on purpose. `hint` says what a person can do about it."""

    retryable = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class NotConfigured(HubError):
    """A setting is missing or wrong. `setting` is its name as the merchant writes it."""

    def __init__(self, setting: str, message: str, *, hint: str = "") -> None:
        super().__init__(f"{setting}: {message}", hint=hint)
        self.setting = setting


class Unmappable(HubError):
    """A value cannot be said at the destination. `field` is what a person must look at."""

    def __init__(self, field: str, message: str, *, hint: str = "") -> None:
        super().__init__(f"{field}: {message}", hint=hint)
        self.field = field


class IntegrationError(HubError):
    """A vendor call failed. `vendor` and `request_id` are what its support asks for."""

    def __init__(self, vendor: str, message: str, *, request_id: str = "", hint: str = "", code: str = "") -> None:
        where = f" [request {request_id}]" if request_id else ""
        super().__init__(f"{vendor}: {message}{where}", hint=hint)
        self.vendor = vendor
        self.request_id = request_id
        self.code = code


class TemporarilyUnavailable(IntegrationError):
    """Surely not applied; the same call may be sent again. `retry_after` is in seconds, None when not told."""

    retryable = True

    def __init__(
        self,
        vendor: str,
        message: str,
        *,
        request_id: str = "",
        hint: str = "",
        code: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(vendor, message, request_id=request_id, hint=hint, code=code)
        self.retry_after = retry_after


class RateLimited(TemporarilyUnavailable):
    """Too fast for the vendor."""


class OutcomeUnknown(IntegrationError):
    """A write got no answer: it may or may not have been applied. Look for it by our key before writing again."""

    retryable = True


class NotAuthorised(IntegrationError):
    """The vendor refuses our credential, scope or plan. The connection is paused; its work is kept."""


class Rejected(IntegrationError):
    """The vendor understood and refused this record; the same body would be refused again."""


class UnexpectedAnswer(IntegrationError):
    """The vendor answered something that we cannot read."""
