"""Looking at a Katana account: key, plan, places, and whether webhooks can be verified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from commerce.errors import IntegrationError, NotAuthorised, NotConfigured
from commerce.ports import Finding
from integrations.connector import Services
from integrations.katana.refusals import NO_API
from integrations.katana.schemas import Factory, Location
from integrations.katana.settings import KatanaSettings
from integrations.katana.webhooks import kept_token

KEY = "make a new key under Settings > API > API keys; API access needs the Professional plan or above"


class Checks:
    """The account as a Checkable."""

    settings: KatanaSettings
    services: Services

    def factory(self) -> Factory:
        """Whose account this is."""
        raise NotImplementedError

    def locations(self) -> list[Location]:
        """Every location."""
        raise NotImplementedError

    def chosen(self, known: Sequence[Location]) -> list[Location]:
        """The locations to read."""
        raise NotImplementedError

    def check(self) -> Iterator[Finding]:
        """One finding per thing looked at; nothing is written."""
        try:
            account = self.factory()
            name = account.display_name or account.legal_name or "an account without a name"
            yield Finding(subject="account", ok=True, message=f"{name} ({account.base_currency_code})")
            yield self._places()
        except NotAuthorised as refused:
            yield self._refused(refused)
        except IntegrationError as error:
            hint = error.hint or "check base_url and the network"
            yield Finding(subject="connection", ok=False, message=str(error), hint=hint)
        yield self._signing()

    def _refused(self, refused: NotAuthorised) -> Finding:
        if refused.code == NO_API:
            return Finding(subject="plan", ok=False, message=str(refused), hint=refused.hint)
        return Finding(subject="credential", ok=False, message=str(refused), hint=KEY)

    def _places(self) -> Finding:
        try:
            chosen = self.chosen(self.locations())
        except NotConfigured as wrong:
            return Finding(subject="locations", ok=False, message=str(wrong), hint=wrong.hint)
        if not chosen:
            hint = "allow sales at a location in Katana, or name locations in stack.toml"
            return Finding(subject="locations", ok=False, message="no location allows sales", hint=hint)
        listed = ", ".join(f"{place.name} ({place.id})" for place in chosen)
        return Finding(subject="locations", ok=True, message=f"reads {listed}")

    def _signing(self) -> Finding:
        if self.settings.webhook_token.get_secret_value() or kept_token(self.services.tokens):
            return Finding(subject="webhook token", ok=True, message="webhooks can be verified")
        # Not a fault: without webhooks the schedule alone brings changes.
        message = "none: changes arrive by schedule only"
        hint = "set hub.receiver, then: backroom webhooks"
        return Finding(subject="webhook token", ok=True, message=message, hint=hint)
