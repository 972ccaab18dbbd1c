"""What a merchant sets for a Slack connection: the webhook's address, which is a secret."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from integrations.connector import ConnectionSettings

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class SlackSettings(ConnectionSettings):
    """`[connections.<name>]` with `vendor = "slack"`. Whoever knows `webhook_url` can write to the channel."""

    model_config = ConfigDict(hide_input_in_errors=True)

    vendor: str = Field(default="slack", description="The vendor folder: slack.")
    base_url: str = Field(default="", description="Where Slack is; the webhook's own host when left out.")
    webhook_url: SecretStr = Field(description="Address of the incoming webhook, https://hooks.slack.com/services/…")

    @model_validator(mode="before")
    @classmethod
    def _fill_base_url(cls, given: Any) -> Any:
        """Derive the base URL from the webhook's address."""
        if not isinstance(given, dict) or given.get("base_url"):
            return given
        secret = given.get("webhook_url", "")
        url = urlsplit(secret.get_secret_value() if isinstance(secret, SecretStr) else str(secret))
        return {**given, "base_url": f"{url.scheme}://{url.netloc}"}

    @field_validator("webhook_url")
    @classmethod
    def _a_webhook(cls, value: SecretStr) -> SecretStr:
        url = urlsplit(value.get_secret_value())
        if not url.netloc or len(url.path.strip("/").split("/")) < 2 or url.query or url.fragment:
            raise ValueError("is no webhook; copy it whole from Slack: https://hooks.slack.com/services/T…/B…/…")
        if url.scheme != "https" and url.hostname not in LOOPBACK:
            raise ValueError("must start with https://, as the address is a secret")
        return value

    @property
    def looks_like_slack(self) -> bool:
        """Whether the address has the shape of Slack's incoming webhooks."""
        url = urlsplit(self.webhook_url.get_secret_value())
        parts = url.path.strip("/").split("/")
        return url.hostname in ("hooks.slack.com", "hooks.slack-gov.com") and parts[0] == "services" and len(parts) == 4

    def target(self) -> str:
        """The address to post to, secret: that of the webhook, at `base_url` when another one is given."""
        webhook, base = self.webhook_url.get_secret_value(), self.base_url.rstrip("/")
        return webhook if webhook.startswith(f"{base}/") else base + urlsplit(webhook).path
