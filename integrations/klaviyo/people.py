"""Who bought: the profile that an event belongs to. Nothing here says anything about consent."""

from __future__ import annotations

import re
from typing import Any

from commerce.errors import Unmappable
from commerce.orders import Order

E_MAIL = re.compile(r"[^\s@\"<>(),;:\\\[\]]+@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_][\w-]*[^\W_]")
IDENTIFIERS = ("email", "phone_number", "external_id")
"""The strongest first."""
PUNCTUATION = re.compile(r"[\s().\-/\u00a0]")
TRUNK = re.compile(r"\(0\)")
"""As in "+44 (0) 20 …": dialled within the country only."""
E_164 = re.compile(r"\+[1-9][0-9]{6,14}")
NORTH_AMERICA = re.compile(r"\+1[2-9][0-9]{2}[2-9][0-9]{6}")


def to_profile(order: Order, *, history: bool = False) -> dict[str, Any]:
    """Attributes of the shopper's profile, only what is known; empty when nobody is known.

    What is sent overwrites what Klaviyo has, what is absent leaves it alone: with `history`, the phone number of an
    old order does not replace the one that the shopper gave since. Raises Unmappable("email") for an address that
    cannot be one.
    """
    # https://developers.klaviyo.com/en/reference/create_event
    customer, email = order.customer, e_mail(order)
    profile = {
        "email": email,
        "phone_number": "" if history and email else e164(order.phone),
        "external_id": external_id(order.source, customer.id) if customer and customer.id else "",
    }
    if not any(profile.values()):
        return {}
    billed = order.bill_to
    profile["first_name"] = customer.first_name if customer else billed.first_name if billed else ""
    profile["last_name"] = customer.last_name if customer else billed.last_name if billed else ""
    return {name: value for name, value in profile.items() if value}


def e_mail(order: Order) -> str:
    """The shopper's address as typed; empty when there is none. Raises Unmappable, which does not repeat it."""
    given = (order.email or (order.customer.email if order.customer else "")).strip()
    if not given:
        return ""
    if not is_e_mail(given):
        raise Unmappable(
            "email",
            f"the e-mail address of order {order.number} is not one",
            hint="correct it in the shop for later orders, then dismiss this record",
        )
    return given


def is_e_mail(given: str) -> bool:
    """Whether it can be an e-mail address."""
    local = given.rpartition("@")[0]
    odd = len(given) > 254 or ".." in given or local.startswith(".") or local.endswith(".")
    return not odd and E_MAIL.fullmatch(given) is not None


def external_id(source: str, customer_id: str) -> str:
    """Our name of a customer. Prefixed, as two stores in one account would otherwise share customer ids."""
    return f"{source}:{customer_id}"


def e164(phone: str) -> str:
    """The number as "+15035550123"; empty when it is not surely a whole international number.

    Klaviyo refuses the whole event for a bad number, so a doubtful one is better absent.
    """
    latin = "".join(str(int(letter)) if letter.isdecimal() else letter for letter in phone.strip())
    bare = PUNCTUATION.sub("", TRUNK.sub("", latin))
    number = f"+{bare[2:]}" if bare.startswith("00") else bare
    if not E_164.fullmatch(number) or (number.startswith("+1") and not NORTH_AMERICA.fullmatch(number)):
        return ""
    return number


def expendable(profile: dict[str, Any], refused: str = "") -> str:
    """The identifier to do without, once Klaviyo has refused `refused` or, without that, finds them at odds.

    The e-mail address is the last to go. Empty when nothing else would say who it is.
    """
    named = [name for name in IDENTIFIERS if profile.get(name)]
    if refused:
        return refused if refused in named and len(named) > 1 else ""
    return "phone_number" if "phone_number" in named[1:] else named[-1] if len(named) > 1 else ""


def identity(profile: dict[str, Any]) -> str:
    """What Klaviyo knows the person by, the first that is there."""
    found: str = next((profile[name] for name in IDENTIFIERS if profile.get(name)), "")
    return found.lower()
