"""What nobody documents surely about QuickBooks, each as a switch: a client has to survive both settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass
class Habits:
    """Uncertain facts. The defaults are the more likely ones, or those that forgive a client less.

    `refusals_replayed`: a request id that was refused is answered with the old refusal. `request_ids_kept`: seconds
    that one is remembered, None for ever. `own_numbers_when_off`: what becomes of a DocNumber while custom numbers are
    off. `other_minor_versions`: what becomes of a missing or retired one. `inactive`: the code for a reference to
    something inactive. `wrong_product`: the code when quantity times price is not the amount. `zero_totals`: whether a
    document of 0.00 is taken. `throttled_with`: the status of a throttle. `retry_after`: that header of a throttle.
    `old_refresh_tokens`: whether one that was replaced works for another day. `faults_with_200`: business faults come
    with status 200. `padded_codes`: codes of the gateway have leading zeros. `tax`: what automated sales tax makes of a
    TotalTax that was sent: takes it, replaces it by its own, or adds its own on shipping unless
    ShippingTaxIncludedInTotalTax is said. `sku_with_star`: whether `SELECT *` shows an item's Sku.
    """

    refusals_replayed: bool = True
    request_ids_kept: float | None = None
    own_numbers_when_off: Literal["replaced", "kept"] = "replaced"
    other_minor_versions: Literal["as 75", "refused"] = "as 75"
    inactive: Literal["2500", "610"] = "2500"
    wrong_product: Literal["6070", "6000"] = "6070"
    zero_totals: Literal["taken", "refused"] = "taken"
    throttled_with: Literal[429, 403] = 429
    retry_after: int | None = None
    old_refresh_tokens: Literal["dead", "a day"] = "dead"
    faults_with_200: bool = False
    padded_codes: bool = False
    tax: Literal["taken", "replaced", "added on shipping"] = "taken"
    sku_with_star: bool = False

    def set(self, **wanted: object) -> None:
        """Change some. Raises KeyError for one that there is not."""
        for name, value in wanted.items():
            if name not in self.__dataclass_fields__:
                raise KeyError(f"no habit {name!r}; there are {', '.join(self.__dataclass_fields__)}")
            setattr(self, name, value)
