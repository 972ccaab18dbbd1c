"""A QuickBooks Online company in memory: rotating tokens, documents, queries, batches and a true ledger."""

from integrations.quickbooks.simulator.server import QuickBooksSimulator, build

__all__ = ["QuickBooksSimulator", "build"]
