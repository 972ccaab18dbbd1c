"""Having a shopper deleted at HubSpot for good, by the e-mail address under which the hub brought them."""

from __future__ import annotations

from commerce.ports import Person
from integrations.hubspot.api import HubSpotApi
from integrations.hubspot.mapping import contact_key


def forget(api: HubSpotApi, person: Person) -> str:
    """Have the contact deleted for good, with everything that is tied to it; what was done, in words.

    It is looked up first: asked to delete an address that it does not know, HubSpot would put it on a list of its own.
    Deals stay, they name nobody. May be repeated. Raises IntegrationError.
    """
    email = contact_key(person.email)
    if not email:
        return "HubSpot was not asked: it knows shoppers by their e-mail address, and these orders have none"
    contact = api.contact_by_email(email)
    if contact is None:
        return "HubSpot was not asked: it has no contact with this e-mail address"
    api.delete_for_good(contact.id)
    return f"HubSpot deleted contact {contact.id}, the one with this e-mail address, for good; its deals name nobody"
