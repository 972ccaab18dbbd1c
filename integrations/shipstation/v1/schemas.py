"""What we read of V1's answers. Everything else is ignored."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field

from integrations.shipstation.schemas import AdvancedOptions, Read, Shipment, ShipmentItem, Text
from integrations.shipstation.v1.times import Time

OPEN = ("awaiting_payment", "awaiting_shipment", "on_hold", "pending_fulfillment", "rejected_fulfillment")
"""Orders that can still be changed."""

STATUSES = {"shipped": "label_purchased", "cancelled": "cancelled", **dict.fromkeys(OPEN, "pending")}
"""V1's words in the words that planning knows. https://docs.shipstation.com/orders/legacy-migration"""


def _id(value: Any) -> Any:
    """Numbers and texts of digits are the same id."""
    return "" if value is None else str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _list(value: Any) -> Any:
    return [] if value is None else value


Id = Annotated[str, BeforeValidator(_id)]
RecordId = Annotated[Id, Field(min_length=1)]


class Item(Read):
    """Units of one line. `adjustment` is a discount or a fee, and no goods."""

    line_item_key: Text = Field("", alias="lineItemKey")
    sku: Text = ""
    quantity: int = 0
    adjustment: bool | None = False

    @property
    def goods(self) -> bool:
        """Whether something is to be packed."""
        return not self.adjustment and self.quantity > 0


class Options(Read):
    """The part of an order's advanced options that the hub reads."""

    warehouse_id: Id = Field("", alias="warehouseId")
    store_id: Id = Field("", alias="storeId")
    source: Text = ""
    parent_id: Id = Field("", alias="parentId")
    merged_ids: Annotated[tuple[Id, ...], BeforeValidator(_list)] = Field((), alias="mergedIds")


class V1Order(Read):
    """An order. `order_key` is the hub's own key where a hub brought it; the pieces of a split order share it."""

    # https://docs.shipstation.com/apis/shipstation-v1/docs/models/order
    order_id: RecordId = Field(alias="orderId")
    order_key: Text = Field("", alias="orderKey")
    order_number: Text = Field("", alias="orderNumber")
    order_status: Text = Field("", alias="orderStatus")
    hold_until: Text = Field("", alias="holdUntilDate")
    items: Annotated[tuple[Item, ...], BeforeValidator(_list)] = ()
    options: Annotated[Options, BeforeValidator(lambda value: value or {})] = Field(
        default_factory=Options, alias="advancedOptions"
    )

    @property
    def merged(self) -> bool:
        """Whether staff have put other orders' goods into it."""
        return bool(self.options.merged_ids)

    @property
    def closed(self) -> bool:
        """Whether V1 changes it no more."""
        return self.order_status in ("shipped", "cancelled")

    def as_shipment(self) -> Shipment:
        """The order as planning sees it."""
        return Shipment(
            shipment_id=self.order_id,
            external_shipment_id=self.order_key,
            shipment_number=self.order_number,
            shipment_status=STATUSES.get(self.order_status, "unknown"),
            warehouse_id=self.options.warehouse_id or None,
            items=tuple(
                ShipmentItem(sku=item.sku, quantity=item.quantity, external_order_item_id=item.line_item_key)
                for item in self.items
                if item.goods
            ),
            advanced_options=AdvancedOptions(custom_field1=self.options.source),
        )


class Upserted(Read):
    """One entry of the answer to `createorders`."""

    order_id: Id = Field("", alias="orderId")
    order_number: Text = Field("", alias="orderNumber")
    order_key: Text = Field("", alias="orderKey")
    success: bool | None = None
    error_message: Text = Field("", alias="errorMessage")


class UpsertAnswer(Read):
    """The answer to `createorders`, HTTP 200 even when entries failed."""

    has_errors: bool | None = Field(False, alias="hasErrors")
    results: tuple[Upserted, ...]


class Sent(Read):
    """What a label and a fulfillment have in common."""

    order_id: Id = Field("", alias="orderId")
    order_number: Text = Field("", alias="orderNumber")
    tracking_number: Text = Field("", alias="trackingNumber")
    carrier: Text = Field("", alias="carrierCode")
    created_at: Time = Field(alias="createDate")
    ship_date: Time | None = Field(None, alias="shipDate")
    voided: bool | None = False
    voided_at: Time | None = Field(None, alias="voidDate")

    @property
    def is_void(self) -> bool:
        """Whether it was taken back."""
        return bool(self.voided) or self.voided_at is not None

    @property
    def shipped_at(self) -> datetime:
        """The start of the Pacific day on which it ships."""
        return self.ship_date or self.created_at


class V1Label(Sent):
    """A label bought in ShipStation, V1's "shipment"."""

    # https://docs.shipstation.com/apis/shipstation-v1/docs/shipments/list
    kind: Literal["label"] = "label"
    id: RecordId = Field(alias="shipmentId")
    order_key: Text = Field("", alias="orderKey")
    service: Text = Field("", alias="serviceCode")
    warehouse_id: Id = Field("", alias="warehouseId")
    is_return: bool | None = Field(False, alias="isReturnLabel")
    items: Annotated[tuple[Item, ...], BeforeValidator(_list)] = Field((), alias="shipmentItems")

    @property
    def units(self) -> Counter[tuple[str, str]]:
        """Units by line and SKU."""
        return units_of(self.items)


class V1Fulfillment(Sent):
    """An order that was marked as shipped. It has no order key: it is joined by the order's id."""

    # https://docs.shipstation.com/apis/shipstation-v1/docs/fulfillments/list
    kind: Literal["fulfillment"] = "fulfillment"
    id: RecordId = Field(alias="fulfillmentId")
    service: Text = Field("", alias="fulfillmentServiceCode")


class V1Warehouse(Read):
    """A ship-from address."""

    warehouse_id: RecordId = Field(alias="warehouseId")
    name: Text = Field("", alias="warehouseName")


class Store(Read):
    """A selling channel, or the manual store that API orders land in."""

    store_id: RecordId = Field(alias="storeId")
    name: Text = Field("", alias="storeName")
    marketplace: Text = Field("", alias="marketplaceName")
    active: bool | None = True


class V1Carrier(Read):
    """A carrier account that labels can be bought from."""

    name: Text = ""
    code: Text = ""


class V1Subscription(Read):
    """A webhook of the account."""

    # The answer's names differ from those of the request; both are taken.
    webhook_id: Id = Field("", validation_alias=AliasChoices("WebHookID", "webhookId", "id"))
    event: Text = Field("", validation_alias=AliasChoices("HookType", "hookType", "event"))
    url: Text = Field("", validation_alias=AliasChoices("Url", "url", "target_url"))
    active: bool | None = Field(True, validation_alias=AliasChoices("Active", "active"))


def units_of(items: tuple[Item, ...]) -> Counter[tuple[str, str]]:
    """Units by line and SKU, without discounts and fees."""
    units: Counter[tuple[str, str]] = Counter()
    for item in items:
        if item.goods:
            units[(item.line_item_key, item.sku)] += item.quantity
    return units
