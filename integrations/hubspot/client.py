"""HubSpot as a destination of orders: contacts first, then deals, then the tie between them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from commerce.audits import Duties, Found
from commerce.errors import NotAuthorised, Rejected, TemporarilyUnavailable
from commerce.orders import Order
from commerce.outcomes import Binding, Done, Held, Outcome, Skipped, Unknown
from commerce.ports import Finding, Item, Person
from commerce.values import fingerprint
from integrations.connector import Services
from integrations.hubspot.api import HubSpotApi
from integrations.hubspot.checks import findings
from integrations.hubspot.forgetting import forget
from integrations.hubspot.holding import deals_of
from integrations.hubspot.mapping import Properties, to_contact, to_deal
from integrations.hubspot.settings import HubSpotSettings

Taken = dict[str, str | Rejected]
"""What became of records, by their key: HubSpot's id, or why it was refused."""


@dataclass(frozen=True)
class Wanted:
    """One order as HubSpot shall hold it."""

    item: Item
    number: str
    deal: Properties
    contact: Properties | None

    @property
    def digest(self) -> str:
        """The same for equal wishes."""
        return fingerprint(json.dumps([self.deal, self.contact], sort_keys=True))


class HubSpot:
    """One account. Implements Destination, Auditable and Forgetting. Nobody can be subscribed to anything here."""

    keeps: Literal["state"] = "state"
    topics = frozenset({"order"})
    batch = 100
    duties = Duties(keeps="deals")

    def __init__(self, settings: HubSpotSettings, services: Services) -> None:
        self.settings = settings
        self.api = HubSpotApi(settings, services)
        self._key_property_is_there = not settings.create_property

    def close(self) -> None:
        """Give the connections back."""
        self.api.close()

    def check(self) -> Iterator[Finding]:
        """Look at token, scopes, the key's property and the stages."""
        yield from findings(self.api, self.settings)

    def audit(self, source: str, since: datetime, until: datetime, orders: Sequence[Order]) -> Iterator[Found]:
        """See `Auditable.audit`; of these orders only: deals that nobody ordered are not looked for."""
        return deals_of(self.api, self.settings, orders)

    def forget(self, person: Person) -> str:
        """Have the shopper's contact deleted for good; says what was done. A later order makes a new contact.

        Raises IntegrationError, e.g. NotAuthorised when the token lacks crm.objects.contacts.write.
        """
        return forget(self.api, person)

    def deliver(self, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        """Bring the newest state of each order. May be repeated: contacts are found by e-mail, deals by our key.

        Raises NotAuthorised, TemporarilyUnavailable, OutcomeUnknown.
        """
        wanted: list[Wanted] = []
        for item in items:
            wish = self._wish(item)
            if isinstance(wish, Wanted):
                wanted.append(wish)
            else:
                yield item, wish
        if wanted:
            yield from self._bring(wanted)

    def _wish(self, item: Item) -> Wanted | Outcome:
        try:
            order = Order.model_validate(item.newest.data)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            return Held(
                cause="unreadable_order",
                reason=f"{item.subject}: the log's order cannot be read: {field}: {first['msg']}",
                hint="record the order again, then release this record",
            )
        if order.test:
            return Skipped(reason="a test order")
        deal = to_deal(order, self.settings.key_property, self.settings.pipeline, self.settings.stages)
        wish = Wanted(item, order.number, deal, to_contact(order))
        if item.binding and item.binding.fingerprint == wish.digest and not item.in_doubt:
            return Done(binding=item.binding, changed=False)
        return wish

    def _bring(self, wanted: Sequence[Wanted]) -> Iterator[tuple[Item, Outcome]]:
        self._ensure_key_property()
        key = self.settings.key_property
        contacts: Taken = {}
        deals: Taken = {}
        try:
            # One shopper may have several of these orders; HubSpot refuses a batch that names a contact twice.
            people = {wish.contact["email"]: wish.contact for wish in wanted if wish.contact}
            self._upsert("contacts", "email", list(people.values()), contacts)
            self._upsert("deals", key, [wish.deal for wish in wanted], deals)
            pairs = {wish.deal[key]: (deals[wish.deal[key]], self._contact_of(wish, contacts)) for wish in wanted}
            ties = [(deal, contact) for deal, contact in pairs.values() if isinstance(deal, str) and contact]
            if ties:
                self.api.tie(ties)
        except (TemporarilyUnavailable, NotAuthorised) as error:
            # Else an order that becomes again what we remember would count as brought.
            for wish in wanted:
                if isinstance(deals.get(wish.deal[key]), str) or self._contact_of(wish, contacts):
                    yield wish.item, Unknown(reason=f"order {wish.number}: brought in part, then {error}")
            raise
        for wish in wanted:
            yield wish.item, outcome(wish, deals[wish.deal[key]], contacts)

    @staticmethod
    def _contact_of(wish: Wanted, contacts: Taken) -> str:
        found = contacts.get(wish.contact["email"]) if wish.contact else None
        return found if isinstance(found, str) else ""

    def _ensure_key_property(self) -> None:
        if self._key_property_is_there:
            return
        if self.api.deal_property(self.settings.key_property) is None:
            self.api.create_key_property(self.settings.key_property)
        self._key_property_is_there = True

    def _upsert(self, kind: str, key: str, records: list[Properties], taken: Taken) -> None:
        """Upsert all into `taken`; where HubSpot refuses, halve until it is clear which record it means."""
        if not records:
            return
        try:
            results = self.api.upsert(kind, key, records)
        except Rejected as refused:
            if len(records) == 1:
                taken[records[0][key]] = refused
                return
            half = len(records) // 2
            self._upsert(kind, key, records[:half], taken)
            self._upsert(kind, key, records[half:], taken)
            return
        if len(records) == 1:
            taken[records[0][key]] = results[0].id
            return
        taken |= {str(result.properties.get(key)): result.id for result in results}
        for record in records:
            if record[key] not in taken:
                self._upsert(kind, key, [record], taken)


def outcome(wish: Wanted, deal: str | Rejected, contacts: Taken) -> Outcome:
    """What HubSpot's answers mean for one order. Without its contact the deal stands, and says so."""
    if isinstance(deal, Rejected):
        hint = "put it right in the storefront or in stack.toml, then release it"
        cause = deal.code.lower() or "refused"
        return Held(cause=cause, reason=f"order {wish.number}: {deal}", hint=hint)
    contact = contacts.get(wish.contact["email"]) if wish.contact else None
    note = f"without a contact: {contact}" if isinstance(contact, Rejected) else ""
    return Done(binding=Binding(vendor_id=deal, fingerprint=wish.digest), note=note)
