"""From our parcel to Shopify's tracking. Values in, values out."""

from __future__ import annotations

from typing import Any

from commerce.parcels import Parcel

CARRIERS = {
    **dict.fromkeys(("stamps_com", "usps", "endicia"), "USPS"),
    **dict.fromkeys(("ups", "ups_walleted"), "UPS"),
    **dict.fromkeys(("fedex", "fedex_walleted"), "FedEx"),
    **dict.fromkeys(("dhl_express", "dhl_express_worldwide"), "DHL Express"),
    **dict.fromkeys(("dhl_ecommerce", "dhl_global_mail"), "DHL eCommerce"),
    "globalpost": "GlobalPost",
    "canada_post": "Canada Post",
    "purolator_ca": "Purolator",
    "royal_mail": "Royal Mail",
    "australia_post": "Australia Post",
    "ontrac": "OnTrac",
    "lasership": "Lasership",
    "asendia_us": "Asendia USA",
    **dict.fromkeys(("amazon_buy_shipping", "amazon_shipping_us"), "Amazon Logistics"),
}
"""Shopify's company name (case-sensitive there) by the shipping app's word in lower case with underscores."""


def to_tracking(parcel: Parcel, carriers: dict[str, str]) -> dict[str, Any]:
    """Shopify's FulfillmentTrackingInput. A carrier that Shopify does not know is kept as text, with our URL."""
    numbers = list(parcel.tracking_numbers)
    tracking: dict[str, Any] = {}
    if parcel.carrier:
        tracking["company"] = to_company(parcel.carrier, carriers)
    if len(numbers) == 1:
        tracking["number"] = numbers[0]
    elif numbers:
        tracking["numbers"] = numbers
    if parcel.tracking_url and len(numbers) <= 1:
        tracking["url"] = parcel.tracking_url
    elif parcel.tracking_url:
        tracking["urls"] = [parcel.tracking_url]
    return tracking


def to_company(carrier: str, carriers: dict[str, str]) -> str:
    """Shopify's company name for the shipping app's word; the merchant's own table first."""
    if carrier in carriers:
        return carriers[carrier]
    word = carrier.strip().lower().replace(" ", "_").replace("-", "_").replace(".", "_")
    return CARRIERS.get(word, carrier)
