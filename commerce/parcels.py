"""A parcel: what left the warehouse, with its tracking numbers."""

from __future__ import annotations

from commerce.values import Frozen, Moment


class ParcelLine(Frozen):
    """Units in the parcel. `line_id` is the storefront's order line id when the warehouse kept it, else empty."""

    sku: str = ""
    line_id: str = ""
    quantity: int


class Parcel(Frozen):
    """A label bought or an order marked as shipped in the shipping app.

    `order_key` is our own key as given to the shipping app ("shop:5501", or "shop:5501/2" for the second location);
    empty when the shipping app does not know it, e.g. an order that somebody typed in. An empty `lines` means
    everything that the shipment contained.
    """

    source: str
    id: str
    order_key: str
    shipment_id: str
    carrier: str
    """The shipping app's word, e.g. "stamps_com" or "FedEx"."""
    service: str = ""
    tracking_numbers: tuple[str, ...]
    tracking_url: str = ""
    location_id: str = ""
    """The storefront's location that this parcel ships for, when the warehouse was told."""
    shipped_at: Moment
    updated_at: Moment
    voided: bool = False
    lines: tuple[ParcelLine, ...] = ()

    @property
    def key(self) -> str:
        """Unique over all connections, e.g. "warehouse:label-se-123"."""
        return f"{self.source}:{self.id}"
