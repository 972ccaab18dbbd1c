"""ShipStation's API V2, one method per endpoint. https://docs.shipstation.com/openapi"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from commerce.errors import NotAuthorised, Rejected, UnexpectedAnswer
from integrations.auth import HeaderAuth
from integrations.connector import Services
from integrations.http import ApiClient, answered_json
from integrations.shipstation.refusals import VENDOR, refuse, request_id
from integrations.shipstation.schemas import (
    Carrier,
    CreateAnswer,
    Fulfillment,
    Label,
    Read,
    Subscription,
    Warehouse,
)
from integrations.shipstation.settings import ShipStationSettings

__all__ = ["VENDOR", "Api", "Model", "Raw", "Unsupported", "moment", "parsed"]

HOOKS = "/v2/environment/webhooks"
PAGE_SIZE = 100
RATES = [(20, 1.0), (180, 60.0)]
"""Calls per seconds, over all processes: a tenth below the account's 200 a minute.

https://docs.shipstation.com/rate-limits
"""

Raw = dict[str, Any]
Model = TypeVar("Model", bound=Read)


class Unsupported(Rejected):
    """The service does not offer this operation (yet): editing shipments is missing from its published schema."""


class Api:
    """One account. Every method is one endpoint; lists read pages of 100 as the caller consumes them."""

    def __init__(self, settings: ShipStationSettings, services: Services) -> None:
        self._http = ApiClient(
            vendor=VENDOR,
            base_url=settings.base_url,
            auth=HeaderAuth("API-Key", settings.api_key.get_secret_value()),
            transport=services.transport,
            inspect=refuse,
            request_id=request_id,
            pace=services.pace(RATES) if settings.pace else None,
            calls=services.calls,
            times=services.times,
            sleep=services.sleep,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def create_shipments(self, entries: Sequence[Mapping[str, Any]]) -> CreateAnswer:
        """Create shipments, each on its own: the answer tells which failed.

        Nothing makes this repeatable but the uniqueness of `external_shipment_id`. Raises OutcomeUnknown when no
        readable answer came.
        """
        # https://docs.shipstation.com/apis/openapi/shipments/create_shipments
        answer = self._http.request(
            "POST", "/v2/shipments", expect=(404,), json={"shipments": list(entries)}, operation="create shipments"
        )
        if answer.status_code == 404:
            raise _missing_path(answer)
        return parsed(CreateAnswer, answered_json(VENDOR, answer))

    def shipment(self, shipment_id: str) -> Raw | None:
        """The whole shipment as ShipStation has it, None when there is none."""
        return self._one(f"/v2/shipments/{_quoted(shipment_id)}", "shipment")

    def shipment_by_key(self, external_id: str) -> Raw | None:
        """The shipment with our key, None when there is none."""
        if "/" not in external_id:
            raw = self._one(f"/v2/shipments/external_shipment_id/{_quoted(external_id)}", "shipment by key")
            if raw is not None and raw.get("external_shipment_id") != external_id:  # to be changed as if it were ours
                raise UnexpectedAnswer(VENDOR, f"answered with another shipment when {external_id} was asked for")
            return raw
        # Gateways decode %2F before they route, so a key with a slash is asked for as a filter.
        found = self._pages("/v2/shipments", "shipments", external_shipment_id=external_id)
        return next((raw for raw in found if raw.get("external_shipment_id") == external_id), None)

    def shipments(self, **filters: str) -> Iterator[Raw]:
        """Shipments by `shipment_number`, `batch_id`, `created_at_start` …"""
        return self._pages("/v2/shipments", "shipments", **filters)

    def update_shipment(self, shipment_id: str, whole: Mapping[str, Any]) -> None:
        """Replace the whole shipment, which must be pending. Raises Unsupported where the service has no such call."""
        # https://docs.shipstation.com/apis/openapi/shipments/update_shipment
        answer = self._http.request(
            "PUT",
            f"/v2/shipments/{_quoted(shipment_id)}",
            safety="repeatable",
            expect=(404, 405),
            operation="update shipment",
            json=dict(whole),
        )
        if answer.status_code in (404, 405):
            raise Unsupported(VENDOR, f"does not offer the editing of shipments ({answer.status_code})")

    def cancel_shipment(self, shipment_id: str) -> None:
        """Cancel a shipment. Raises Rejected when it has a label, which must be voided first."""
        # https://docs.shipstation.com/apis/openapi/shipments/cancel_shipments
        path = f"/v2/shipments/{_quoted(shipment_id)}/cancel"
        self._http.request("PUT", path, safety="repeatable", operation="cancel shipment")

    def labels(self, **filters: str) -> Iterator[Raw]:
        """Labels by `shipment_id`, `label_status`, `created_at_start` …; there is no filter by change."""
        # https://docs.shipstation.com/apis/openapi/labels/list_labels
        return self._pages("/v2/labels", "labels", **filters)

    def fulfillments(self, **filters: str) -> Iterator[Raw]:
        """Orders marked as shipped, by `shipment_id`, `create_date_start` (not `created_at_start`) …"""
        # https://docs.shipstation.com/create-fulfillments
        return self._pages("/v2/fulfillments", "fulfillments", **filters)

    def labels_of(self, shipment_id: str) -> list[Label]:
        """All labels that one shipment ever had."""
        return [parsed(Label, raw) for raw in self.labels(shipment_id=shipment_id)]

    def fulfillments_of(self, shipment_id: str) -> list[Fulfillment]:
        """All fulfillments that one shipment ever had."""
        return [parsed(Fulfillment, raw) for raw in self.fulfillments(shipment_id=shipment_id)]

    def warehouses(self) -> list[Warehouse]:
        """The ship-from addresses, which are not the warehouses of its inventory."""
        return [parsed(Warehouse, raw) for raw in self._short_list("/v2/warehouses", "warehouses")]

    def carriers(self) -> list[Carrier]:
        """The carrier accounts."""
        return [parsed(Carrier, raw) for raw in self._short_list("/v2/carriers", "carriers")]

    def subscriptions(self) -> list[Subscription]:
        """The account's webhooks; a bare list, unlike every other answer."""
        body = self._get(HOOKS, "webhooks", {})
        if not isinstance(body, list):
            raise UnexpectedAnswer(VENDOR, "answered its webhooks with something else than a list")
        return [parsed(Subscription, raw) for raw in body]

    def subscribe(self, event: str, *, name: str, url: str) -> None:
        """Have `event` of all stores sent to `url`. Nothing stops a second one."""
        # https://docs.shipstation.com/apis/docs/guides/webhooks-overview
        hook = {"name": name, "event": event, "url": url, "store_id": None}
        self._http.request("POST", HOOKS, operation="subscribe webhook", json=hook)

    def resubscribe(self, webhook_id: str, *, name: str, url: str) -> None:
        """Send a webhook elsewhere; its event stays."""
        path = f"{HOOKS}/{_quoted(webhook_id)}"
        hook = {"name": name, "url": url}
        self._http.request("PUT", path, safety="repeatable", operation="move webhook", json=hook)

    def unsubscribe(self, webhook_id: str) -> None:
        """Delete a webhook; one that is gone is no error."""
        path = f"{HOOKS}/{_quoted(webhook_id)}"
        self._http.request("DELETE", path, safety="repeatable", expect=(404,), operation="delete webhook")

    def _one(self, path: str, operation: str) -> Raw | None:
        answer = self._http.request("GET", path, expect=(404,), operation=operation)
        if answer.status_code == 404:
            _refuse_missing_path(answer)
            return None
        return _record(answered_json(VENDOR, answer))

    def _get(self, path: str, operation: str, params: Mapping[str, Any]) -> Any:
        answer = self._http.request("GET", path, expect=(404,), operation=operation, params=dict(params))
        if answer.status_code == 404:
            _refuse_missing_path(answer)
            raise Rejected(VENDOR, f"has nothing at {path}")
        return answered_json(VENDOR, answer)

    def _pages(self, path: str, name: str, **filters: str) -> Iterator[Raw]:
        page, pages = 1, 1
        while page <= pages:
            body = _record(self._get(path, f"list {name}", {**filters, "page": page, "page_size": PAGE_SIZE}))
            yield from map(_record, _listed(body, name))
            # A page may be empty although more follow, e.g. when its records have been deleted meanwhile.
            page, pages = page + 1, _pages_of(body, name)

    def _short_list(self, path: str, name: str) -> Iterator[Raw]:
        """A list that takes no page size; should it come in pages all the same, the others are asked for."""
        body = _record(self._get(path, f"list {name}", {}))
        yield from map(_record, _listed(body, name))
        for page in range(2, _pages_of(body, name) + 1):
            yield from map(_record, _listed(_record(self._get(path, f"list {name}", {"page": page})), name))


def _listed(body: Raw, name: str) -> list[Any]:
    records = body.get(name)
    if not isinstance(records, list):
        raise UnexpectedAnswer(VENDOR, f"answered a list of {name} without {name}")
    return records


def _pages_of(body: Raw, name: str) -> int:
    """How many pages there are; 0 when there is nothing, absent where a list has no pages."""
    pages = body.get("pages")
    if pages is None:
        return 1
    if not isinstance(pages, int):
        raise UnexpectedAnswer(VENDOR, f"answered a list of {name} without a number of pages")
    return pages


def moment(at: datetime) -> str:
    """A time as ShipStation's filters want it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _quoted(key: str) -> str:
    return quote(key, safe="")


def _record(body: Any) -> Raw:
    if not isinstance(body, dict):
        raise UnexpectedAnswer(VENDOR, "answered something else than an object")
    return body


def parsed(model: type[Model], raw: Any) -> Model:
    """The part of a record that we read. Raises UnexpectedAnswer naming the fields, never their content."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, each["loc"])) for each in error.errors()}))
        raise UnexpectedAnswer(VENDOR, f"answered a {model.__name__} that we cannot read: {fields}") from error


def _refuse_missing_path(answer: httpx.Response) -> None:
    """Raise when a 404 is about the address and not about an object, which would come in ShipStation's envelope."""
    try:
        body = answer.json()
    except (ValueError, UnicodeDecodeError):
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("errors"), list):
        raise _missing_path(answer)


def _missing_path(answer: httpx.Response) -> NotAuthorised:
    """No record is to blame for this, so the connection is paused and its work is kept."""
    path = answer.request.url.path
    return NotAuthorised(VENDOR, f"knows no path {path}", hint="check base_url in stack.toml", code="path")
