"""What people and the world do in a QuickBooks company: actions for tests and the demo."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import httpx

from integrations.quickbooks.simulator.company import TRANSACTIONS, Company
from integrations.quickbooks.simulator.gate import Gate
from integrations.quickbooks.simulator.habits import Habits
from integrations.quickbooks.simulator.refusals import utc_stamp
from integrations.quickbooks.simulator.rules import complete
from integrations.quickbooks.simulator.tokens import TokenDesk
from integrations.simulator import Simulator

DOCUMENT_FIELDS = ("Id", "SyncToken", "DocNumber", "TxnDate", "PrivateNote")


class World(Simulator):
    """The part of the simulator that is not the API."""

    company: Company
    desk: TokenDesk
    gate: Gate
    habits: Habits
    realm_id: str
    verifier_token: str

    def state(self) -> dict[str, Any]:
        """Documents and account balances, amounts as text with two decimals."""
        return {
            "realm_id": self.realm_id,
            "documents": [
                self._shown(kind, row) for kind in TRANSACTIONS for row in self.company.tables[kind].values()
            ],
            "accounts": {
                row["Name"]: f"{self.company.balance(row):.2f}" for row in self.company.tables["Account"].values()
            },
            "items": sorted(row["Name"] for row in self.company.tables["Item"].values()),
            "customers": sorted(row["DisplayName"] for row in self.company.tables["Customer"].values()),
            "ledger_sum": f"{sum(self.company.balances.values(), Decimal(0)):.2f}",
        }

    def _shown(self, kind: str, row: dict[str, Any]) -> dict[str, Any]:
        lines = [(line.get("Description") or line["DetailType"], f"{line['Amount']:.2f}") for line in row["Line"]]
        return {
            "kind": kind,
            **{name: row.get(name, "") for name in DOCUMENT_FIELDS},
            "TotalAmt": f"{row['TotalAmt']:.2f}",
            "currency": row.get("CurrencyRef", {}).get("value", self.company.home_currency),
            "lines": [{"description": words, "amount": amount} for words, amount in lines],
        }

    def do_setup(
        self,
        accounts: Sequence[dict[str, Any]] = (),
        items: Sequence[dict[str, Any]] = (),
        people: Sequence[tuple[str, str]] = (),
        tax_codes: Sequence[dict[str, Any]] = (),
    ) -> dict[str, str]:
        """Make accounts ({"Name", "AccountType"}), items ({"Name", "account"}, of type Service if no other is given),
        people (("Vendor", "Ada")) and tax codes ({"Name", "rate"}); ids by name."""
        ids = {}
        for kind, name in people:
            ids[name] = self.company.add(kind, complete(self.company, kind, {"DisplayName": name}, None))["Id"]
        for code in tax_codes:
            ids[code["Name"]] = self.company.add("TaxCode", complete(self.company, "TaxCode", code, None))["Id"]
        for account in accounts:
            ids[account["Name"]] = self.company.add("Account", complete(self.company, "Account", account, None))["Id"]
        for item in items:
            income = self.company.named("Account", item["account"])
            if income is None:
                raise KeyError(f"no account {item['account']!r}")
            more = {key: value for key, value in item.items() if key != "account"}
            body = {"Type": "Service", "IncomeAccountRef": {"value": income["Id"]}, **more}
            ids[item["Name"]] = self.company.add("Item", complete(self.company, "Item", body, None))["Id"]
        return {name: str(id) for name, id in ids.items()}

    def do_preferences(self, **wanted: Any) -> None:
        """Set custom_numbers, duplicate_warning, using_sales_tax, several_currencies, home_currency, allow_discount,
        allow_shipping, country, subscribed."""
        known = {"custom_numbers", "duplicate_warning", "using_sales_tax", "several_currencies", "home_currency"}
        known |= {"allow_discount", "allow_shipping", "country"}
        for name, value in wanted.items():
            if name not in known | {"subscribed"}:
                raise KeyError(f"no preference {name!r}")
            setattr(self.company, name, value)

    def do_habits(self, **wanted: Any) -> None:
        """Set facts that nobody documents surely, see habits.py."""
        self.habits.set(**wanted)

    def do_decide(self, answer: str = "allow", realm_id: str = "") -> None:
        """What the merchant will do on the consent page: "allow" or "deny", and for which company."""
        if answer not in ("allow", "deny"):
            raise KeyError(f"no decision {answer!r}")
        self.desk.decision = "allow" if answer == "allow" else "deny"
        self.desk.chosen = realm_id

    def do_allowance(self, monthly_reads: int | None = None) -> dict[str, int]:
        """Set how many reads a month the tier allows (None: any number); the reads so far, by month."""
        self.gate.allowance = monthly_reads
        return dict(self.gate.reads)

    def do_close_books(self, date: str | None) -> None:
        """Close the books up to and including a day ("2026-10-31"), or open them again with None."""
        self.company.closed_until = date

    def do_deposit(self, ids: Sequence[str], account: str = "Checking") -> str:
        """Put receipts into a bank deposit, which locks them; the deposit's id."""
        receipts = [self.company.find("SalesReceipt", id) for id in ids]
        lines = [
            {
                "Amount": row["TotalAmt"],
                "DetailType": "DepositLineDetail",
                "DepositLineDetail": {"AccountRef": row["DepositToAccountRef"]},
            }
            for row in receipts
        ]
        bank = self.company.named("Account", account)
        body = {"DepositToAccountRef": {"value": bank["Id"] if bank else ""}, "Line": lines}
        deposit = self.company.add("Deposit", complete(self.company, "Deposit", body, None))
        self.company.deposited.update(ids)
        return str(deposit["Id"])

    def do_rename(self, entity: str, name: str, to: str) -> None:
        """Rename an Account, Item or Customer."""
        row = self._named(entity, name)
        self.company.replace(entity, row, {**row, "DisplayName" if entity == "Customer" else "Name": to})

    def do_deactivate(self, entity: str, name: str) -> None:
        """Make an Account, Item or Customer inactive."""
        row = self._named(entity, name)
        self.company.replace(entity, row, {**row, "Active": False})

    def do_edit_document(self, id: str, note: str = "", amount: str = "") -> str:
        """A bookkeeper opens a document and saves it, with a note or with a further line; the new sync token."""
        kind, row = self._document(id)
        memo = f"{row.get('PrivateNote', '')} {note}".strip()
        changed = {**row, "PrivateNote": memo}
        if amount:
            more = {"Amount": Decimal(amount), "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {}}
            lines = [line for line in row["Line"] if line["DetailType"] != "SubTotalLineDetail"]
            changed |= {"Line": [*lines, more], "TotalAmt": row["TotalAmt"] + Decimal(amount)}
        return str(self.company.replace(kind, row, changed)["SyncToken"])

    def do_delete_document(self, id: str) -> None:
        """A bookkeeper deletes a document."""
        kind, row = self._document(id)
        self.company.remove(kind, row)

    def do_add_document(self, kind: str, number: str, amount: str, note: str = "") -> str:
        """Somebody else posts a document with this number; its id."""
        account = self.company.named("Account", "Checking") or {}
        line = {"Amount": Decimal(amount), "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {}}
        reference = {"DepositToAccountRef": {"value": account["Id"]}, "PaymentRefNum": "by hand"}
        body = {"DocNumber": number, "PrivateNote": note, "Line": [line], **reference}
        return str(self.company.add(kind, complete(self.company, kind, body, None))["Id"])

    def do_distort(self, amount: str = "0.01", times: int = 1) -> None:
        """The next documents come out by so much dearer, as when the company's own tax is added."""
        self.company.distortions += [Decimal(amount)] * times

    def do_revoke(self) -> None:
        """The merchant disconnects the app: no token works any more."""
        self.desk.end()

    def do_expire_access(self) -> None:
        """All access tokens end now; the refresh token lives on."""
        self.desk.access.clear()

    def do_webhook(
        self,
        url: str,
        ids: Sequence[str] | None = None,
        action: str = "updated",
        old: bool = False,
        other_realm: str = "",
    ) -> list[str]:
        """Send a webhook about these documents (all when None), together with one of another company; the event ids."""
        chosen = [self._document(id) for id in ids] if ids is not None else self._all()
        events = [self._event(kind, row["Id"], action) for kind, row in chosen]
        if other_realm:
            events.insert(0, {**self._event("SalesReceipt", "1", action), "intuitaccountid": other_realm})
        body = json.dumps(self._old_body(chosen, action) if old else events).encode()
        mac = hmac.new(self.verifier_token.encode(), body, hashlib.sha256).digest()
        headers = {"content-type": "application/json", "intuit-signature": base64.b64encode(mac).decode()}
        self.outbox.append(httpx.Request("POST", url, headers=headers, content=body))
        return [event["id"] for event in events]

    def _event(self, kind: str, id: str, action: str) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": "intuit.dsnBgbseACLLRZNxo2dfc4evmEJdxde58xeeYcZliOU=",
            "type": f"qbo.{kind.lower()}.{action}.v1",
            "datacontenttype": "application/json",
            "time": utc_stamp(self.clock()),
            "intuitentityid": id,
            "intuitaccountid": self.realm_id,
            "data": {},
        }

    def _old_body(self, chosen: Sequence[tuple[str, dict[str, Any]]], action: str) -> dict[str, Any]:
        operation = {"created": "Create", "updated": "Update", "deleted": "Delete"}.get(action, action)
        when = utc_stamp(self.clock())[:23] + "Z"
        entities = [
            {"name": kind, "id": row["Id"], "operation": operation, "lastUpdated": when} for kind, row in chosen
        ]
        company = {"realmId": self.realm_id, "dataChangeEvent": {"entities": entities}}
        return {"eventNotifications": [company]}

    def _all(self) -> list[tuple[str, dict[str, Any]]]:
        return [(kind, row) for kind in TRANSACTIONS for row in self.company.tables[kind].values()]

    def _document(self, id: str) -> tuple[str, dict[str, Any]]:
        for kind, row in self._all():
            if row["Id"] == id:
                return kind, row
        raise KeyError(f"no document {id}")

    def _named(self, entity: str, name: str) -> dict[str, Any]:
        row = self.company.named(entity, name)
        if row is None:
            raise KeyError(f"no {entity} {name!r}")
        return row
