"""What we read of ShipStation's answers. Everything else is ignored; the service adds fields without notice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field


def _words(known: tuple[str, ...]) -> BeforeValidator:
    return BeforeValidator(lambda word: word if word in known else "unknown")


def _text(value: Any) -> Any:
    return "" if value is None else str(value) if isinstance(value, int) else value


def _list(value: Any) -> Any:
    return [] if value is None else value


def _aware(moment: datetime) -> datetime:
    """UTC where ShipStation forgot to say so."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Text = Annotated[str, BeforeValidator(_text)]
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
    quantity: int = 0
    external_order_id: Text = ""
    external_order_item_id: Text = ""


class AdvancedOptions(Read):
    """`custom_field1` is where the hub writes the storefront's connection name."""

    custom_field1: Text = ""


class Shipment(Read):
    """What ShipStation's screens call an order."""

    # https://docs.shipstation.com/apis/openapi/shipments
    shipment_id: str
    external_shipment_id: Text = ""
    shipment_number: Text = ""
    shipment_status: ShipmentStatus = "unknown"
    warehouse_id: str | None = None
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


class CreatedShipment(Read):
    """One entry of the answer to a create: with an id, or with sentences that say why not."""

    shipment_id: Text = ""
    external_shipment_id: Text = ""
    shipment_number: Text = ""
    errors: Annotated[tuple[Any, ...], BeforeValidator(_list)] = ()

    @property
    def words(self) -> str:
        """The vendor's sentences; entries are strings here, objects elsewhere."""
        said = (each.get("message", "") if isinstance(each, dict) else str(each) for each in self.errors)
        return "; ".join(filter(None, said))


class CreateAnswer(Read):
    """The answer to a create, HTTP 200 even when entries failed."""

    has_errors: bool = False
    shipments: tuple[CreatedShipment, ...] = ()


class LabelPackage(Read):
    """One box of a label."""

    tracking_number: Text = ""
    sequence: int = 0


class Label(Read):
    """A bought label, the source of tracking numbers. It has no shipment number and its external id may be made up."""

    # https://docs.shipstation.com/apis/openapi/labels
    label_id: str
    status: LabelStatus = "unknown"
    shipment_id: str
    ship_date: str | None = None
    created_at: Time
    tracking_number: Text = ""
    tracking_url: Text = ""
    carrier_code: Text = ""
    service_code: Text = ""
    batch_id: Text = ""
    is_return_label: bool = False
    voided: bool = False
    voided_at: Time | None = None
    packages: Annotated[tuple[LabelPackage, ...], BeforeValidator(_list)] = ()

    @property
    def is_void(self) -> bool:
        """Whether it was taken back."""
        return self.voided or self.status == "voided"

    @property
    def ships(self) -> bool:
        """Whether goods leave with it: finished, not taken back, not for a return."""
        return self.status == "completed" and not self.voided and not self.is_return_label

    @property
    def tracking_numbers(self) -> tuple[str, ...]:
        """One for each box, without repetition; the label's own when the boxes have none."""
        boxes = sorted(self.packages, key=lambda package: package.sequence)
        numbers = [box.tracking_number for box in boxes if box.tracking_number] or [self.tracking_number]
        return tuple(dict.fromkeys(filter(None, numbers)))


class Fulfillment(Read):
    """An order that somebody marked as shipped, without a label. It has no carrier code, only a name for people."""

    # https://docs.shipstation.com/create-fulfillments
    fulfillment_id: str
    shipment_id: str
    tracking_number: Text = ""
    created_at: Time
    ship_date: str | None = None
    carrier: Text = Field("", validation_alias=AliasChoices("fulfillment_carrier_friendly_name", "carrier"))
    service: Text = Field("", validation_alias=AliasChoices("fulfillment_service_code", "service"))
    voided: bool = False
    voided_at: Time | None = None

    @property
    def is_void(self) -> bool:
        """Whether it was taken back."""
        return self.voided or self.voided_at is not None


class Warehouse(Read):
    """A ship-from address."""

    warehouse_id: str
    name: Text = ""
    is_default: bool | None = None


class Carrier(Read):
    """A carrier account that labels can be bought from."""

    carrier_id: str
    friendly_name: Text = ""


class Subscription(Read):
    """A webhook that the account has."""

    event: Text = ""
    url: Text = ""


class WebhookBody(Read):
    """A pointer to what happened, nothing more."""

    resource_url: str
    resource_type: Text = ""
