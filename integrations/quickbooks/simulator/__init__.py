"""A QuickBooks Online company in memory: OAuth with rotation, documents, queries, batches, and a double-entry ledger."""

from integrations.quickbooks.simulator.server import QuickBooksSimulator, build

__all__ = ["QuickBooksSimulator", "build"]
