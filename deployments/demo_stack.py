"""The demo's own stack.toml and secrets: every connection is a simulator on loopback."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

SECRETS = {
    "BACKROOM_SHOP_CLIENT_SECRET": "sim-secret",
    "BACKROOM_WAREHOUSE_API_KEY": "sim-shipstation-key",
    "BACKROOM_BOOKS_CLIENT_SECRET": "secret",
    "BACKROOM_BOOKS_REFRESH_TOKEN": "RT1-first",
    "BACKROOM_BOOKS_VERIFIER_TOKEN": "verifier",
    "BACKROOM_MARKETING_API_KEY": "pk_sim",
    "BACKROOM_INVENTORY_API_KEY": "sim-key",
    "BACKROOM_ALERTS_WEBHOOK_URL": "https://hooks.slack.com/services/T000/B000/XXXX",
}
"""What the simulators accept; they guard nothing."""

TEMPLATE = """\
# The demo's connections: simulators on loopback. Written by `backroom demo`; a real one starts from stack.example.toml.
[hub]
ledger = "sqlite:///{ledger}"
start = 2009-01-01T00:00:00Z
receiver = "{receiver}"

[connections.shop]
vendor = "shopify"
shop = "demo.myshopify.com"
base_url = "{base}/shop"
client_id = "sim-client"

[connections.warehouse]
vendor = "shipstation"
base_url = "{base}/warehouse"
jwks_url = "{base}/warehouse/jwks"
fallback_phone = "+1 555 0100"
[connections.warehouse.warehouses]
{warehouses}

[connections.books]
vendor = "quickbooks"
base_url = "{base}/books"
token_url = "{base}/books/oauth2/v1/tokens/bearer"
authorize_url = "{base}/books/connect/oauth2"
revoke_url = "{base}/books/v2/oauth2/tokens/revoke"
realm_id = "9130357992221046"
client_id = "client"
create_missing = true

[connections.marketing]
vendor = "klaviyo"
base_url = "{base}/marketing"

[connections.inventory]
vendor = "katana"
base_url = "{base}/inventory"

[connections.alerts]
vendor = "slack"
base_url = "{base}/alerts"

[routes.orders-to-shipping]
from = "shop"
to = "warehouse"

[routes.orders-to-accounting]
from = "shop"
to = "books"

[routes.orders-to-marketing]
from = "shop"
to = "marketing"

[routes.tracking-to-storefront]
from = "warehouse"
to = "shop"
carries = "parcels"

[routes.sync-inventory]
from = "inventory"
to = "shop"
carries = "stock"
[routes.sync-inventory.stock]
# The demo's inventory app learns of orders within the hour, and its first levels differ nearly everywhere.
order_lag_minutes = 60
most_change = 1.0
[routes.sync-inventory.stock.locations]
{locations}
"""


def environment(home: Path) -> dict[str, str]:
    """What every process of the hub needs to know."""
    return {
        "BACKROOM_STACK": str((home / "stack.toml").resolve()),
        # Said here too: a BACKROOM_LEDGER of the shell that we were started from is that of a real shop.
        "BACKROOM_LEDGER": f"sqlite:///{(home / 'ledger.db').resolve()}",
        "BACKROOM_TOKEN_KEY": Fernet.generate_key().decode(),
        **SECRETS,
    }


def write_env(home: Path, environment: Mapping[str, str]) -> None:
    """Write what every process needs to know to `.env`, for a shell to read; nobody else may."""
    file = home / ".env"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in environment.items()), encoding="utf-8")


def write(
    home: Path,
    base: str,
    receiver: str,
    shop: list[dict[str, Any]],
    inventory: Any,
    warehouses: Any,
    *,
    pace: bool = True,
) -> None:
    """Write stack.toml for these simulators.

    `shop`: the storefront's locations with name and id; `inventory`: what the inventory app's set-up answered;
    `warehouses`: ship-from ids by name; without `pace` the hub does not slow itself down.
    """
    ids = {place["name"]: place["id"].rsplit("/", 1)[-1] for place in shop}
    stocked = {place["name"]: str(place["id"]) for place in inventory["locations"]}
    text = TEMPLATE.format(
        ledger=(home / "ledger.db").resolve(),
        receiver=receiver,
        base=base,
        warehouses=_pairs({ids[name]: key for name, key in warehouses.items() if name in ids}),
        locations=_pairs({key: ids[name] for name, key in stocked.items() if name in ids}),
    )
    if not pace:
        text = text.replace('vendor = "', 'pace = false\nvendor = "')
    (home / "stack.toml").write_text(text, encoding="utf-8")


def _pairs(values: dict[str, str]) -> str:
    return "\n".join(f'"{key}" = "{value}"' for key, value in values.items())
