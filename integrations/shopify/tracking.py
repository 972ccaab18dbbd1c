"""From our parcel to Shopify's tracking. Values in, values out.

https://shopify.dev/docs/api/admin-graphql/2026-10/objects/FulfillmentTrackingInfo#supported-tracking-companies
"""

from __future__ import annotations

import re
from typing import Any

from commerce.parcels import Parcel

CARRIERS = {
    **dict.fromkeys(("stamps_com", "usps", "endicia"), "USPS"),
    **dict.fromkeys(("ups", "ups_walleted", "ups_ground_saver", "ups_mail_innovations"), "UPS"),
    **dict.fromkeys(("fedex", "fedex_walleted", "fedex_uk"), "FedEx"),
    **dict.fromkeys(
        (
            "dhl_express",
            "dhl_express_worldwide",
            "dhl_express_mydhl",
            "dhl_express_uk",
            "dhl_express_australia",
            "dhl_express_canada",
        ),
        "DHL Express",
    ),
    **dict.fromkeys(("dhl_ecommerce", "dhl_global_mail"), "DHL eCommerce"),
    "dhl_ecommerce_asia": "DHL eCommerce Asia",
    "deutsche_post": "Deutsche Post",
    "canada_post": "Canada Post",
    "canpar": "Canpar",
    **dict.fromkeys(("purolator", "purolator_ca", "purolator_canada"), "Purolator"),
    "intelcom": "Intelcom",
    **dict.fromkeys(("loomis", "loomis_express"), "Loomis"),
    **dict.fromkeys(("royal_mail", "royalmail"), "Royal Mail"),
    "parcelforce": "Parcelforce",
    **dict.fromkeys(("evri", "hermes_uk", "hermesuk", "hermesworld", "myhermes"), "Evri"),
    "yodel": "Yodel",
    "dpd": "DPD",
    **dict.fromkeys(("dpd_uk", "dpduk"), "DPD UK"),
    "dpd_local": "DPD Local",
    **dict.fromkeys(("gls", "gls_us", "gls_canada"), "GLS"),
    **dict.fromkeys(("gls_it", "gls_italy"), "GLS Italy"),
    **dict.fromkeys(("australia_post", "australia_post_ebay", "auspost"), "Australia Post"),
    **dict.fromkeys(("startrack", "star_track"), "StarTrack"),
    **dict.fromkeys(("couriers_please", "couriersplease"), "Couriers Please"),
    **dict.fromkeys(("aramex_au", "aramex_australia"), "Aramex Australia"),
    "tnt_australia": "TNT Australia",
    "tnt": "TNT",
    **dict.fromkeys(("sendle", "sendle_aus", "sendle_us"), "Sendle"),
    **dict.fromkeys(("newzealand_post", "new_zealand_post", "nz_post"), "New Zealand Post"),
    "ontrac": "OnTrac",
    "lasership": "Lasership",
    **dict.fromkeys(("lso", "lone_star_overnight"), "LSO"),
    **dict.fromkeys(("asendia", "asendia_us", "asendia_usa"), "Asendia USA"),
    **dict.fromkeys(("apc", "apc_postal_logistics"), "APC"),
    **dict.fromkeys(("newgistics", "pitney_bowes"), "Pitney Bowes"),
    "postnl": "PostNL",
    "bpost": "BPost",
    "postnord": "Portal PostNord",
    "colissimo": "Colissimo",
    "chronopost": "Chronopost",
    "mondial_relay": "Mondial Relay",
    "correos": "Correos",
    "seur": "SEUR",
    "swiss_post": "Swiss Post",
    "poste_italiane": "Poste Italiane",
    **dict.fromkeys(("yunexpress", "yun_express"), "YunExpress"),
    **dict.fromkeys(("sf_express", "sfexpress"), "SF Express"),
    "globalpost": "GlobalPost",
    **dict.fromkeys(("amazon_buy_shipping", "amazon_shipping_us", "amazon_shipping"), "Amazon"),
    "amazon_shipping_uk": "Amazon Logistics UK",
}
"""Shopify's company name (case-sensitive there) by the shipping app's word in lower case with underscores."""

WEB = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)


def to_tracking(parcel: Parcel, carriers: dict[str, str]) -> dict[str, Any]:
    """Shopify's FulfillmentTrackingInput. A carrier that Shopify does not know is kept as text, with our URL.

    A URL goes with a number only, as Shopify wants it, and only if it is one: it would refuse all for it.
    """
    numbers = [one.strip() for one in parcel.tracking_numbers if one.strip()]
    url = parcel.tracking_url.strip() if WEB.fullmatch(parcel.tracking_url.strip()) else ""
    tracking: dict[str, Any] = {}
    if parcel.carrier:
        tracking["company"] = to_company(parcel.carrier, carriers)
    if len(numbers) == 1:
        tracking |= {"number": numbers[0], **({"url": url} if url else {})}
    elif numbers:
        tracking |= {"numbers": numbers, **({"urls": [url]} if url else {})}
    return tracking


def to_company(carrier: str, carriers: dict[str, str]) -> str:
    """Shopify's company name for the shipping app's word; the merchant's own table first."""
    if carrier in carriers:
        return carriers[carrier]
    word = carrier.strip().lower().replace(" ", "_").replace("-", "_").replace(".", "_")
    return CARRIERS.get(word, carrier)
