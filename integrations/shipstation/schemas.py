"""What we read of ShipStation's answers. Everything else is ignored; the service adds fields without notice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field


def _words(known: tuple[str, ...]) -> BeforeValidator:
    return BeforeValidator(lambda word: word if word in known else "unknown")


def _text(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return "" if value is None else value


def _list(value: Any) -> Any:
    return [] if value is None else value


def _aware(moment: datetime) -> datetime:
    """UTC where ShipStation forgot to say so."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _objects(value: Any) -> Any:
    """A list whose entries that are no objects count as empty ones, so that they spoil nothing else."""
    return [each if isinstance(each, dict) else {} for each in value] if isinstance(value, list) else _list(value)


def _sayings(value: Any) -> Any:
    """Sentences, whether they come as a list, alone, or as the usual error objects."""
    return [] if not value else value if isinstance(value, list) else [value]


def _or(nothing: Any) -> BeforeValidator:
    """What null means."""
    return BeforeValidator(lambda value: nothing if value is None else value)


Text = Annotated[str, BeforeValidator(_text)]
Id = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Whole = Annotated[int, _or(0)]
Flag = Annotated[bool, _or(False)]
Time = Annotated[datetime, AfterValidator(_aware)]
ShipmentStatus = Annotated[
    Literal["pending", "processing", "label_purchased", "cancelled", "unknown"],
    _words(("pending", "processing", "label_purchased", "cancelled")),
]
LabelStatus = Annotated[
    Literal["processing", "completed", "error", "voided", "unknown"],
    _words(("processing", "completed", "error", "voided")),
]


class Read(BaseModel):
    """The part of a record that the hub reads."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ShipmentItem(Read):
    """Units of one order line. `external_order_item_id` is the storefront's line id when a hub wrote it."""

    sku: Text = ""
    quantity: Whole = 0
    external_order_id: Text = ""
    external_order_item_id: Text = ""


class AdvancedOptions(Read):
    """`custom_field1` is where the hub writes the storefront's connection name."""

    custom_field1: Text = ""


class Shipment(Read):
    """What ShipStation's screens call an order."""

    # https://docs.shipstation.com/apis/openapi/shipments
    shipment_id: Id
    external_shipment_id: Text = ""
    shipment_number: Text = ""
    shipment_status: ShipmentStatus = "unknown"
    order_source_code: Text = ""
    warehouse_id: Annotated[str | None, BeforeValidator(lambda value: _text(value) or None)] = None
    items: Annotated[tuple[ShipmentItem, ...], BeforeValidator(_list)] = ()
    advanced_options: Annotated[AdvancedOptions, BeforeValidator(lambda value: value or {})] = AdvancedOptions()

    @property
    def units(self) -> Counter[str]:
        """Units by the storefront's line id; things that staff added are left out."""
        units: Counter[str] = Counter()
        for item in self.items:
            if item.external_order_item_id and item.quantity > 0:
                units[item.external_order_item_id] += item.quantity
        return units

    @property
    def order_ids(self) -> tuple[str, ...]:
        """The storefront's ids of the orders in it: several when staff have combined shipments."""
        return tuple(dict.fromkeys(item.external_order_id for item in self.items if item.external_order_item_id))

    def only(self, order_id: str) -> Shipment:
        """The same without the items of other orders."""
        own = tuple(item for item in self.items if item.external_order_id in ("", order_id))
        return self if len(own) == len(self.items) else self.model_copy(update={"items": own})


class CreatedShipment(Read):
    """One entry of the answer to a create: with an id, or with sentences that say why not."""

    shipment_id: Text = ""
    external_shipment_id: Text = ""
    shipment_number: Text = ""
    errors: Annotated[tuple[Any, ...], BeforeValidator(_sayings)] = ()

    @property
    def words(self) -> str:
        """The vendor's sentences; entries are strings here, objects elsewhere."""
        said = (str(each.get("message") or "") if isinstance(each, dict) else str(each) for each in self.errors)
        return "; ".join(filter(None, said))


class CreateAnswer(Read):
    """The answer to a create, HTTP 200 even when entries failed."""

    has_errors: Flag = False
    shipments: Annotated[tuple[CreatedShipment, ...], BeforeValidator(_objects)] = ()


def _cost(value: Any) -> Any:
    """Postage is told to people only: what cannot be read of it spoils no label."""
    amount = value.get("amount") if isinstance(value, dict) else None
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        return None
    return {"currency": str(value.get("currency") or "").upper(), "amount": str(amount)}


class Cost(Read):
    """What was paid for a label."""

    currency: str
    amount: Decimal


class LabelPackage(Read):
    """One box of a label."""

    tracking_number: Text = ""
    sequence: Whole = 0


class Label(Read):
    """A bought label, the source of tracking numbers. It has no shipment number and its external id may be made up."""

    # https://docs.shipstation.com/apis/openapi/labels
    label_id: Id
    status: LabelStatus = "unknown"
    shipment_id: Id
    ship_date: str | None = None
    created_at: Time
    tracking_number: Text = ""
    tracking_url: Text = ""
    carrier_code: Text = ""
    service_code: Text = ""
    batch_id: Text = ""
    shipment_cost: Annotated[Cost | None, BeforeValidator(_cost)] = None
    is_return_label: Flag = False
    voided: Flag = False
    voided_at: Time | None = None
    packages: Annotated[tuple[LabelPackage, ...], BeforeValidator(_list)] = ()

    @property
    def is_void(self) -> bool:
        """Whether it was taken back."""
        return self.voided or self.status == "voided" or self.voided_at is not None

    @property
    def ships(self) -> bool:
        """Whether goods leave with it: finished, not taken back, not for a return."""
        return self.status == "completed" and not self.is_void and not self.is_return_label

    @property
    def tracking_numbers(self) -> tuple[str, ...]:
        """One for each box, without repetition; the label's own when the boxes have none."""
        boxes = sorted(self.packages, key=lambda package: package.sequence)
        numbers = [box.tracking_number for box in boxes if box.tracking_number] or [self.tracking_number]
        return tuple(dict.fromkeys(filter(None, numbers)))


class Fulfillment(Read):
    """An order that somebody marked as shipped, without a label. It has no carrier code, only a name for people."""

    # https://docs.shipstation.com/create-fulfillments
    fulfillment_id: Id
    shipment_id: Id
    tracking_number: Text = ""
    created_at: Time
    ship_date: str | None = None
    carrier: Text = Field("", validation_alias=AliasChoices("fulfillment_carrier_friendly_name", "carrier"))
    service: Text = Field("", validation_alias=AliasChoices("fulfillment_service_code", "service"))
    voided: Flag = False
    voided_at: Time | None = None

    @property
    def is_void(self) -> bool:
        """Whether it was taken back."""
        return self.voided or self.voided_at is not None


class Warehouse(Read):
    """A ship-from address."""

    warehouse_id: Id
    name: Text = ""
    is_default: bool | None = None


class Carrier(Read):
    """A carrier account that labels can be bought from."""

    carrier_id: Id
    friendly_name: Text = ""
    disabled_by_billing_plan: Flag = False


class Subscription(Read):
    """A webhook that the account has. `store_id` None is all stores; `name` came in 2026."""

    webhook_id: Text = ""
    event: Text = ""
    url: Text = ""
    name: Text = ""
    store_id: Text = ""


class WebhookBody(Read):
    """A pointer to what happened, nothing more."""

    resource_url: str
    resource_type: Text = ""
