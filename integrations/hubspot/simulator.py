"""A HubSpot account in memory: contacts, deals and their ties, as the CRM API v3 shows them.

Imports nothing of the client, so that it can disagree with it. `partial` is what nobody documents clearly: whether a
batch with a bad record takes the others (207) or none (400).
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import httpx

from integrations.simulator import Bucket, Clock, Simulator, json_body

TOKEN = "pat-sim"  # noqa: S105  it guards nothing
ALL_SCOPES = (
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.schemas.deals.read",
    "crm.schemas.deals.write",
)
STAGES = (
    "appointmentscheduled",
    "qualifiedtobuy",
    "presentationscheduled",
    "decisionmakerboughtin",
    "contractsent",
    "closedwon",
    "closedlost",
)
CONTACT_FIELDS = {"email", "firstname", "lastname", "phone"}
DEAL_FIELDS = {"dealname", "amount", "deal_currency_code", "pipeline", "dealstage", "closedate"}
EMAIL = re.compile(r"^[^@\s,]+@[^@\s,]+\.[a-z]{2,}$")
MOST = 100
LONGEST = 65_536


class Refused(Exception):
    """An error of HubSpot's."""

    def __init__(self, status: int, category: str, message: str, context: dict[str, list[str]] | None = None) -> None:
        super().__init__(message)
        self.status, self.category, self.message, self.context = status, category, message, context


class HubSpotSimulator(Simulator):
    """One account; `currencies` are those it knows, `scopes` those of its private app."""

    vendor = "hubspot"

    def __init__(
        self,
        *,
        base_url: str,
        clock: Clock = time.time,
        limits: bool = True,
        access_token: str = TOKEN,
        scopes: tuple[str, ...] = ALL_SCOPES,
        currencies: tuple[str, ...] = ("USD", "EUR", "GBP"),
        partial: bool = False,
    ) -> None:
        super().__init__(base_url=base_url, clock=clock, limits=limits)
        self.access_token, self.scopes, self.currencies, self.partial = access_token, set(scopes), currencies, partial
        self.properties: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, dict[str, dict[str, Any]]] = {"contacts": {}, "deals": {}}
        self.ties: set[tuple[str, str]] = set()
        self.deleted: list[str] = []
        self.blocked: set[str] = set()
        self._bucket = Bucket(100, 10.0, clock)
        self._last = 100

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What HubSpot answers."""
        try:
            if request.headers.get("authorization") != f"Bearer {self.access_token}":
                raise Refused(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
            if self.limits and not self._bucket.take():
                return too_many()
            return self._routed(request)
        except Refused as refused:
            return as_answer(refused)

    def _routed(self, request: httpx.Request) -> httpx.Response:
        body = json_body(request)
        match (request.method, request.url.path.strip("/").split("/")):
            case ("POST", ["oauth", "v2", "private-apps", "get", "access-token-info"]):
                info = {"userId": 1, "hubId": 140_000_001, "appId": 2, "scopes": sorted(self.scopes)}
                return httpx.Response(200, json=info)
            case ("POST", ["crm", "v3", "objects", ("contacts" | "deals") as kind, "batch", "upsert"]):
                self._need(f"crm.objects.{kind}.write")
                return self._upsert(kind, inputs_of(body))
            case ("POST", ["crm", "v3", "objects", ("contacts" | "deals") as kind, "batch", "read"]):
                self._need(f"crm.objects.{kind}.read")
                return self._read(kind, body, inputs_of(body))
            case ("POST", ["crm", "v3", "objects", "contacts", "gdpr-delete"]):
                self._need("crm.objects.contacts.write")
                return self._delete_for_good(body)
            case ("POST", ["crm", "v4", "associations", "deals", "contacts", "batch", "associate", "default"]):
                self._need("crm.objects.deals.write")
                return self._tie(inputs_of(body))
            case ("GET", ["crm", "v3", "properties", "deals", name]):
                self._need("crm.schemas.deals.read")
                if name not in self.properties:
                    raise Refused(404, "OBJECT_NOT_FOUND", f"The property named {name} for deals does not exist.")
                return httpx.Response(200, json=self.properties[name])
            case ("POST", ["crm", "v3", "properties", "deals"]):
                self._need("crm.schemas.deals.write")
                return self._create_property(body)
            case ("GET", ["crm", "v3", "pipelines", "deals"]):
                self._need("crm.objects.deals.read")
                stages = [{"id": stage, "label": stage.title(), "displayOrder": n} for n, stage in enumerate(STAGES)]
                return httpx.Response(
                    200, json={"results": [{"id": "default", "label": "Sales Pipeline", "stages": stages}]}
                )
        raise Refused(404, "OBJECT_NOT_FOUND", "Resource not found.")

    def _need(self, scope: str) -> None:
        if scope not in self.scopes:
            words = "This app hasn't been granted all required scopes to make this call."
            raise Refused(403, "MISSING_SCOPES", words, {"requiredGranularScopes": [scope]})

    def _upsert(self, kind: str, inputs: list[dict[str, Any]]) -> httpx.Response:
        ids = [one.get("id") for one in inputs]
        if len(set(map(str, ids))) < len(ids):
            raise Refused(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input. IDs must be unique.")
        results, errors = [], []
        for one in inputs:
            try:
                self._refuse_bad(kind, one)
                results.append(one)
            except Refused as refused:
                if not self.partial:
                    raise
                errors.append({"status": "error", "category": refused.category, "message": refused.message})
        done = [self._put(kind, one) for one in results]
        answer = {"status": "COMPLETE", "results": done}
        if errors:
            return httpx.Response(207, json={**answer, "numErrors": len(errors), "errors": errors})
        return httpx.Response(200, json=answer)

    def _read(self, kind: str, body: dict[str, Any], inputs: list[dict[str, Any]]) -> httpx.Response:
        """Records by a unique property; what is not there is told beside those that are, with 207."""
        key, names = body.get("idProperty"), body.get("properties") or []
        unique = {"email"} if kind == "contacts" else {n for n, p in self.properties.items() if p["hasUniqueValue"]}
        if key not in unique:
            raise Refused(400, "VALIDATION_ERROR", f"idProperty {key} is not a unique property")
        ids = [str(one.get("id")) for one in inputs]
        there = [self.objects[kind][id] for id in ids if id in self.objects[kind]]
        results = [{**one, "properties": {name: one["properties"].get(name) for name in names}} for one in there]
        gone = [id for id in ids if id not in self.objects[kind]]
        if not gone:
            return httpx.Response(200, json={"status": "COMPLETE", "results": results})
        error = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "Could not get some objects"}
        errors = [{**error, "context": {"ids": gone}}]
        return httpx.Response(207, json={"status": "COMPLETE", "results": results, "numErrors": 1, "errors": errors})

    def _delete_for_good(self, body: Any) -> httpx.Response:
        """A contact by id or by e-mail address goes with its ties; an address that nobody has is blocked instead.

        Blocked for people and imports only: the API may add it again.
        """
        wanted = body.get("objectId") if isinstance(body, dict) else None
        if not isinstance(wanted, str) or not wanted or body.get("idProperty") not in (None, "email"):
            raise Refused(400, "VALIDATION_ERROR", "Invalid input JSON")
        contacts, by_email = self.objects["contacts"], body.get("idProperty") == "email"
        email = wanted if by_email else next((key for key, one in contacts.items() if one["id"] == wanted), "")
        if not email:
            raise Refused(404, "OBJECT_NOT_FOUND", "resource not found")
        self.blocked.add(email)
        if gone := contacts.pop(email, None):
            self.deleted.append(gone["id"])
            self.ties = {(deal, contact) for deal, contact in self.ties if contact != gone["id"]}
        return httpx.Response(204)

    def do_delete_deal(self, id: str) -> None:
        """A colleague deletes a deal."""
        deals = self.objects["deals"]
        self.objects["deals"] = {key: one for key, one in deals.items() if one["id"] != id}

    def do_edit_deal(self, id: str, **wanted: str) -> None:
        """A colleague changes a deal."""
        next(one for one in self.objects["deals"].values() if one["id"] == id)["properties"].update(wanted)

    def _refuse_bad(self, kind: str, one: dict[str, Any]) -> None:
        key, wanted = one.get("idProperty"), one.get("properties")
        unique = {"email"} if kind == "contacts" else {n for n, p in self.properties.items() if p["hasUniqueValue"]}
        if key not in unique:
            raise Refused(400, "VALIDATION_ERROR", "Unable to perform update/upsert by non-unique property")
        if not isinstance(wanted, dict) or not isinstance(one.get("id"), str) or not one["id"]:
            raise Refused(400, "VALIDATION_ERROR", "Invalid input JSON")
        known = CONTACT_FIELDS if kind == "contacts" else DEAL_FIELDS | set(self.properties)
        for name, value in wanted.items():
            if name not in known:
                raise Refused(400, "VALIDATION_ERROR", f'Property "{name}" does not exist')
            if not isinstance(value, str) or len(value) > LONGEST or not self._fits(name, value):
                raise Refused(400, "VALIDATION_ERROR", f"Property values were not valid: {name}")

    def _fits(self, name: str, value: str) -> bool:
        match name:
            case "email":
                return EMAIL.match(value) is not None
            case "amount":
                return re.fullmatch(r"-?\d+(\.\d+)?", value) is not None
            case "closedate":
                return value.isdigit()
            case "deal_currency_code":
                return value in self.currencies
            case "dealstage":
                return value in STAGES
            case "pipeline":
                return value == "default"
        return True

    def _put(self, kind: str, one: dict[str, Any]) -> dict[str, Any]:
        table, new = self.objects[kind], one["id"] not in self.objects[kind]
        now = datetime.fromtimestamp(self.clock(), UTC).isoformat().replace("+00:00", "Z")
        if new:
            self._last += 1
            table[one["id"]] = {"id": str(self._last), "properties": {}, "createdAt": now, "archived": False}
        record = table[one["id"]]
        record["properties"].update({**one["properties"], one["idProperty"]: one["id"]})
        record["updatedAt"] = now
        return {**record, "properties": dict(record["properties"]), "new": new}

    def _tie(self, inputs: list[dict[str, Any]]) -> httpx.Response:
        deals, contacts = ({record["id"] for record in self.objects[kind].values()} for kind in ("deals", "contacts"))
        for one in inputs:
            deal, contact = str(one.get("from", {}).get("id")), str(one.get("to", {}).get("id"))
            if deal not in deals or contact not in contacts:
                raise Refused(400, "VALIDATION_ERROR", "One or more objects do not exist")
            self.ties.add((deal, contact))
        return httpx.Response(200, json={"status": "COMPLETE", "results": []})

    def _create_property(self, body: Any) -> httpx.Response:
        needed = ("name", "label", "groupName", "type", "fieldType")
        if not isinstance(body, dict) or any(not body.get(name) for name in needed):
            raise Refused(400, "VALIDATION_ERROR", "Invalid input JSON")
        if body["name"] in self.properties:
            raise Refused(409, "OBJECT_ALREADY_EXISTS", f"A property named '{body['name']}' already exists.")
        self.properties[body["name"]] = {"hasUniqueValue": False, **body}
        return httpx.Response(201, json=self.properties[body["name"]])

    def state(self) -> dict[str, Any]:
        """Contacts, deals and ties; the ids of contacts that were deleted for good, and blocked addresses."""
        return {
            "deleted": list(self.deleted),
            "blocked": sorted(self.blocked),
            "contacts": list(self.objects["contacts"].values()),
            "deals": list(self.objects["deals"].values()),
            "ties": sorted(self.ties),
        }


def inputs_of(body: Any) -> list[dict[str, Any]]:
    """The batch's inputs. Raises Refused."""
    inputs = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(inputs, list) or not inputs or not all(isinstance(one, dict) for one in inputs):
        raise Refused(400, "VALIDATION_ERROR", "Invalid input JSON")
    if len(inputs) > MOST:
        raise Refused(400, "VALIDATION_ERROR", f"The maximum number of inputs supported in a batch request is {MOST}")
    return inputs


def as_answer(refused: Refused) -> httpx.Response:
    """The error in the CRM API's shape."""
    body: dict[str, Any] = {
        "status": "error",
        "message": refused.message,
        "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf",
        "category": refused.category,
    }
    if refused.context:
        body["errors"] = [{"message": refused.message, "context": refused.context}]
    return httpx.Response(refused.status, json=body)


def too_many() -> httpx.Response:
    """What is said to whoever is too fast."""
    body = {
        "status": "error",
        "message": "You have reached your ten_secondly_rolling limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": "c033cdaa-2c40-4a64-ae48-b4cec88dad24",
        "policyName": "TEN_SECONDLY_ROLLING",
    }
    return httpx.Response(429, json=body)


def build(*, base_url: str, clock: Clock = time.time, limits: bool = True, **options: Any) -> Simulator:
    """A fresh account. Options: `access_token`, `scopes`, `currencies`, `partial`."""
    return HubSpotSimulator(base_url=base_url, clock=clock, limits=limits, **options)
