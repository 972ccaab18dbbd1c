"""The shape of every request body, field by field, and a reader that refuses anything else."""

from __future__ import annotations

from typing import Any

from integrations.klaviyo.simulator.answers import invalid

Shape = Any
"""A dict of fields (a name ends with "!" when the field must be there, with "?" when it may be null), a list with the
shape of its elements, "=word" for a constant, or the name of a plain type."""

PLAIN = {
    "string": ((str,), "a string"),
    "number": ((int, float), "a number"),
    "boolean": ((bool,), "a boolean"),
    "object": ((dict,), "an object"),
    "scalar": ((str, int, float), "a string or a number"),
    "words": ((str, list), "a string or an array of strings"),
}


def resource(kind: str, attributes: Shape, **more: Shape) -> Shape:
    """A JSON:API resource; `more` are members beside its attributes."""
    return {"type!": f"={kind}", "attributes!": attributes, **more}


def within(data: Shape) -> Shape:
    """What JSON:API wraps a resource in."""
    return {"data!": data}


TEXTS = ("first_name", "last_name", "organization", "locale", "title", "image")
IDENTIFIERS = ("email", "phone_number", "external_id", "_kx")
LOCATION = {
    **{f"{name}?": "string" for name in ("address1", "address2", "city", "country", "region", "zip", "timezone", "ip")},
    "latitude?": "scalar",
    "longitude?": "scalar",
}
META = {
    "patch_properties?": {"append?": "object", "unappend?": "object", "unset?": "words"},
    "patch_identifiers?": {"append": "object", "unappend": "object"},
}
IMPORTED = {
    **{f"{name}?": "string" for name in (*IDENTIFIERS, *TEXTS)},
    "location?": LOCATION,
    "properties?": "object",
}
TRACKED = {**IMPORTED, "anonymous_id?": "string"}
HAS_ID = {"id?": "string"}

# https://developers.klaviyo.com/en/reference/create_event
METRIC = within(resource("metric", {"name!": "string", "service?": "string"}))
BULK_ENTRY = {
    "properties!": "object",
    "metric!": METRIC,
    "time?": "string",
    "value?": "number",
    "value_currency?": "string",
    "unique_id?": "string",
    "backfill?": "boolean",
}
EVENT = within(
    resource("event", {**BULK_ENTRY, "profile!": within(resource("profile", {**TRACKED, "meta?": META}, **HAS_ID))})
)
# https://developers.klaviyo.com/en/reference/bulk_create_events : here `meta` stands beside the profile's attributes
GROUP = resource(
    "event-bulk-create",
    {
        "backfill?": "boolean",
        "profile!": within(resource("profile", TRACKED, **HAS_ID, **{"meta?": META})),
        "events!": within([resource("event", BULK_ENTRY)]),
    },
)
BULK = within(resource("event-bulk-create-job", {"events-bulk-create!": within([GROUP])}))
# https://developers.klaviyo.com/en/reference/create_or_update_profile
UPSERT = within(resource("profile", IMPORTED, **HAS_ID, **{"meta?": META}))
# https://developers.klaviyo.com/en/reference/create_profile
CREATE = within(resource("profile", {name: shape for name, shape in IMPORTED.items() if name != "_kx?"}))
# https://developers.klaviyo.com/en/reference/bulk_import_profiles
IMPORT = within(
    resource(
        "profile-bulk-import-job",
        {"profiles!": within([UPSERT["data!"]])},
        relationships={"lists": {"data": [{"type!": "=list", "id!": "string"}]}},
    )
)
# https://developers.klaviyo.com/en/reference/bulk_subscribe_profiles
CONSENT = {"consent!": "=SUBSCRIBED", "consented_at?": "string"}
SUBSCRIBER = {
    "email?": "string",
    "phone_number?": "string",
    "age_gated_date_of_birth?": "string",
    "subscriptions!": {
        "email?": {"marketing?": CONSENT, "open_tracking?": {"consent!": "=SUBSCRIBED"}},
        "sms?": {"marketing?": CONSENT, "transactional?": CONSENT},
        "whatsapp?": {"marketing?": CONSENT, "transactional?": CONSENT},
    },
}
SUBSCRIPTION = within(
    resource(
        "profile-subscription-bulk-create-job",
        {
            "custom_source?": "string",
            "historical_import?": "boolean",
            "profiles!": within([resource("profile", SUBSCRIBER, **HAS_ID)]),
        },
        relationships={"list": {"data": {"type!": "=list", "id!": "string"}}},
    )
)
# https://developers.klaviyo.com/en/reference/request_profile_deletion
DELETION = within(
    resource(
        "data-privacy-deletion-job",
        {"profile!": within(resource("profile", {"email?": "string", "phone_number?": "string"}, **HAS_ID))},
    )
)


def refuse_misshapen(value: Any, shape: Shape, pointer: str = "") -> None:
    """Raise Refusal for the first place where the value is not what the shape says."""
    if isinstance(shape, dict):
        _object(value, shape, pointer)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise invalid(pointer, "Must be an array.")
        for number, one in enumerate(value):
            refuse_misshapen(one, shape[0], f"{pointer}/{number}")
    elif shape.startswith("="):
        if value != shape[1:]:
            raise invalid(pointer, f"Must be '{shape[1:]}'.")
    else:
        _plain(value, shape, pointer)


def _object(value: Any, fields: dict[str, Shape], pointer: str) -> None:
    if not isinstance(value, dict):
        raise invalid(pointer, "Must be an object.")
    known = {name.rstrip("!?"): name for name in fields}
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise invalid(pointer, f"'{unknown[0]}' is not a valid field.")
    for name, marked in known.items():
        here = f"{pointer}/{name}"
        if name not in value:
            if marked.endswith("!"):
                raise invalid(here, f"'{name}' is a required field.")
        elif value[name] is not None or not marked.endswith("?"):
            refuse_misshapen(value[name], fields[marked], here)


def _plain(value: Any, kind: str, pointer: str) -> None:
    types, said = PLAIN[kind]
    odd = isinstance(value, bool) and bool not in types
    if odd or not isinstance(value, types):
        raise invalid(pointer, f"Must be {said}.")
    if kind == "words" and isinstance(value, list) and not all(isinstance(one, str) for one in value):
        raise invalid(pointer, f"Must be {said}.")
