"""Orders to V1: one V1 order per location, made once by its key, kept up to date until it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial

from commerce.allocation import shipments_wanted
from commerce.orders import Order
from commerce.ports import Item
from integrations.shipstation import departed, destination
from integrations.shipstation.schemas import Shipment
from integrations.shipstation.settings import ShipStationSettings
from integrations.shipstation.v1.changing import Changer
from integrations.shipstation.v1.client import Api
from integrations.shipstation.v1.creating import Creator, parts_there
from integrations.shipstation.v1.imported import V1Imported
from integrations.shipstation.v1.reading import read_order
from integrations.shipstation.v1.times import AMBIGUITY, wall
from integrations.shipstation.v1.wish import V1Wish
from integrations.shipstation.wish import Part, Wish

POST_SIZE = 100
"""https://docs.shipstation.com/apis/shipstation-v1/docs/orders/create-update-multiple-orders"""


class Deliveries(destination.Deliveries):
    """Brings orders to ShipStation over V1."""

    post_size = POST_SIZE

    def __init__(self, api: Api, settings: ShipStationSettings, imported: V1Imported) -> None:
        super().__init__(api, settings, imported)  # type: ignore[arg-type]  # what asks it V2's questions is replaced here
        self._v1 = api
        creator = Creator(api)
        self._creator = creator  # type: ignore[assignment]
        self._changer = Changer(api, creator)

    def wish(self, order: Order) -> Wish:
        """What the order asks of V1."""
        return V1Wish(order, shipments_wanted(order, self._settings.payment), self._settings)

    def departed(self, asked: Sequence[tuple[Item, Wish]]) -> departed.Departed:
        """What a list says of orders that have left."""
        return Departed(self._v1, asked)

    def look(self, order: Order, *earlier: Order) -> list[Part]:
        """What V1 has under the order's keys, whatever they were, apart from what is cancelled."""
        return parts_there(self._v1, order)


class Departed(departed.Departed):
    """The same from V1's list of orders."""

    def __init__(self, api: Api, asked: Sequence[tuple[Item, Wish]]) -> None:
        super().__init__(api, asked)  # type: ignore[arg-type]  # it is asked for `changed` only
        self._v1 = api

    def changed(self, since: datetime) -> Iterator[tuple[str, Callable[[], Shipment]]]:
        """Orders changed since then, latest first: the id, and how to read the rest."""
        start = wall(since - AMBIGUITY)
        for raw in self._v1.orders(modifyDateStart=start, sortBy="ModifyDate", sortDir="DESC"):
            yield str(raw.get("orderId")), partial(as_shipment, raw)


def as_shipment(raw: dict[str, object]) -> Shipment:
    """The order as planning sees it."""
    return read_order(raw).as_shipment()
