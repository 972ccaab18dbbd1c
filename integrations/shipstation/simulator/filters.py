"""What each list can be asked for. An unknown filter is passed over, as the service does; a wrong value is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from integrations.shipstation.simulator.wire import Json, invalid, within


@dataclass(frozen=True)
class Filters:
    """One list's filters: equal to a field, within a time (filter prefix to field), or anything else."""

    exact: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, Callable[[Json, str], bool]] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sort_by: Mapping[str, str] = field(default_factory=dict)
    direction: str = "desc"


def _named(shipment: Json, name: str) -> bool:
    return name.lower() in str((shipment.get("ship_to") or {}).get("name") or "").lower()


def _holds(shipment: Json, word: str) -> bool:
    texts = (f"{item.get('sku') or ''} {item.get('name') or ''}" for item in shipment["items"])
    return any(word.lower() in text.lower() for text in texts)


KNOWN = {
    "shipments": Filters(
        exact=("shipment_status", "batch_id", "import_batch_id", "shipment_number", "store_id", "external_shipment_id"),
        times={"created_at": "created_at", "modified_at": "modified_at", "payment_date": "created_at"},
        others={"ship_to_name": _named, "item_keyword": _holds},
        choices={"shipment_status": ("pending", "processing", "label_purchased", "cancelled")},
        sort_by={"modified_at": "modified_at", "created_at": "created_at"},
    ),
    # There is no filter by change, nor by the time of the void.
    "labels": Filters(
        exact=(
            "tracking_number",
            "batch_id",
            "rate_id",
            "shipment_id",
            "warehouse_id",
            "carrier_id",
            "service_code",
        ),
        renamed={"label_status": "status"},
        times={"created_at": "created_at"},
        choices={"label_status": ("processing", "completed", "error", "voided")},
        sort_by={"created_at": "created_at", "modified_at": "created_at"},
    ),
    # The creation filter has another name than everywhere else, and it is oldest first.
    "fulfillments": Filters(
        exact=("fulfillment_id", "shipment_id", "shipment_number", "tracking_number", "batch_id", "order_source_id"),
        renamed={"fulfillment_provider_code": "fulfillment_provider_code"},
        times={"create_date": "created_at", "ship_date": "ship_date"},
        others={
            "ship_to_name": _named,
            "ship_to_country_code": lambda record, code: record["ship_to"].get("country_code") == code,
        },
        sort_by={"created_at": "created_at", "modified_at": "created_at", "shipped_at": "ship_date"},
        direction="asc",
    ),
}


def listed(name: str, records: Sequence[Json], params: Mapping[str, str]) -> list[Json]:
    """The records that are asked for, in the order that is asked for."""
    known = KNOWN[name]
    _refuse(known, params)
    return _sorted(known, [record for record in records if _fits(known, record, params)], params)


def _fits(known: Filters, record: Json, params: Mapping[str, str]) -> bool:
    exact = {**{name: name for name in known.exact}, **known.renamed}
    return (
        all(record.get(field) == params[name] for name, field in exact.items() if name in params)
        and all(fits(record, params[name]) for name, fits in known.others.items() if name in params)
        and all(
            within(record, field, params.get(f"{name}_start"), params.get(f"{name}_end"))
            for name, field in known.times.items()
        )
    )


def _refuse(known: Filters, params: Mapping[str, str]) -> None:
    for name, choices in known.choices.items():
        if name in params and params[name] not in choices:
            raise invalid(f"{name} {params[name]} is not a valid value.")
    if params.get("sort_dir", "asc") not in ("asc", "desc"):
        raise invalid(f"sort_dir {params['sort_dir']} is not a valid value.")
    if "sort_by" in params and params["sort_by"] not in known.sort_by:
        raise invalid(f"sort_by {params['sort_by']} is not a valid value.")


def _sorted(known: Filters, records: list[Json], params: Mapping[str, str]) -> list[Json]:
    field = known.sort_by[params.get("sort_by", next(iter(known.sort_by)))]
    backwards = params.get("sort_dir", known.direction) == "desc"
    return sorted(records, key=lambda record: str(record[field]), reverse=backwards)
