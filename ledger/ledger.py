"""The ledger: one object over all its rooms."""

from __future__ import annotations

from ledger.alerts import Alerts
from ledger.bindings import Bindings
from ledger.budgets import Budgets
from ledger.calls import Calls
from ledger.claims import Claims
from ledger.clocks import Clocks
from ledger.cursors import Cursors
from ledger.freshness import Freshness
from ledger.held import HeldRecords
from ledger.inbox import Inbox
from ledger.log import Log
from ledger.overdue import Completeness
from ledger.privacy import Privacy
from ledger.redacting import Redacting
from ledger.replaying import Replaying
from ledger.reports import Reports
from ledger.settling import Settling
from ledger.standing import Standings
from ledger.subscriptions import Subscriptions
from ledger.tokens import TokenKeeping
from ledger.trace import Tracing
from ledger.views import Views


class Ledger(
    Log,
    Subscriptions,
    Claims,
    Settling,
    HeldRecords,
    Replaying,
    Completeness,
    Standings,
    Reports,
    Bindings,
    Cursors,
    Clocks,
    Inbox,
    TokenKeeping,
    Calls,
    Budgets,
    Freshness,
    Alerts,
    Privacy,
    Redacting,
    Views,
    Tracing,
):
    """The durable memory of the hub, in SQLite or PostgreSQL; safe to share between threads and processes.

    Each base class holds the methods of one idea. `Ledger(url)`, then `migrate()`, then everything else.
    """
