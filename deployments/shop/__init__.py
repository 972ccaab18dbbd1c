"""Shops for the demo and the benchmarks: made up, or from a file of real orders."""

from deployments.shop.made_up import a_shop
from deployments.shop.plan import ShopPlan
from deployments.shop.real_orders import read_orders

__all__ = ["ShopPlan", "a_shop", "read_orders"]
