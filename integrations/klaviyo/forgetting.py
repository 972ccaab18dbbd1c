"""Having a shopper deleted at Klaviyo, by everything that we may have told it of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from commerce.errors import NotAuthorised, UnexpectedAnswer
from commerce.ports import Person
from integrations.klaviyo.client import KlaviyoApi
from integrations.klaviyo.people import e164, external_id, is_e_mail

NAMES = {"email": "e-mail address", "phone_number": "phone number", "id": "customer id"}


def forget(api: KlaviyoApi, person: Person) -> str:
    """Ask for one deletion for each identifier, as Klaviyo takes just one at a time; what was done, in words.

    Klaviyo deletes *all* profiles that match, for good, and says nothing afterwards. Raises IntegrationError.
    """
    asked: list[str] = []
    for name, value in identifiers(person):
        api.delete_profiles(name, value)
        asked.append(NAMES[name])
    by_customer, doubt = profiles_of(api, person)
    for profile_id in by_customer:
        api.delete_profiles("id", profile_id)
        asked.append(NAMES["id"])
    if not asked:
        return f"Klaviyo was not asked: {doubt or 'it knows nobody by what we were given'}"
    words = f"asked Klaviyo to delete the profiles with this {' and this '.join(asked)}; see its page Deleted profiles"
    return f"{words}; {doubt}" if doubt else words


def identifiers(person: Person) -> Iterator[tuple[Literal["email", "phone_number"], str]]:
    """What Klaviyo deletes by, the ones that it would take."""
    if is_e_mail(person.email.strip()):
        yield "email", person.email.strip()
    if e164(person.phone):
        yield "phone_number", e164(person.phone)


def profiles_of(api: KlaviyoApi, person: Person) -> tuple[list[str], str]:
    """Klaviyo's ids of profiles with the storefront's customer id, and why they could not be looked for.

    A guest who became a customer, or one whose address was changed, is known by nothing else.
    """
    if not (person.customer_id and person.source):
        return [], ""
    try:
        return list(api.profiles_with("external_id", external_id(person.source, person.customer_id))), ""
    except NotAuthorised as refused:
        if not refused.code:
            raise
        return [], f"profiles with this customer id could not be looked for, the key lacks {refused.code}"
    except UnexpectedAnswer as odd:
        return [], f"profiles with this customer id could not be looked for ({odd})"
