"""What the hub remembers of its documents in the books, in `Binding.data`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from commerce.outcomes import Binding
from commerce.values import Frozen, fingerprint
from integrations.quickbooks.schemas import Document

RECEIPT = "receipt"


class Posted(Frozen):
    """One document that is in the books. `fingerprint` is that of what it says, empty when we do not know; `total` is
    its amount, empty where an older hub did not note it."""

    id: str
    sync_token: str
    doc: str
    fingerprint: str
    total: str = ""


def posted(document: Document, content: str) -> Posted:
    """The document as it is now; its number as QuickBooks gave it, which may not be the one we asked for."""
    return Posted(
        id=document.id,
        sync_token=document.sync_token,
        doc=document.doc_number or "",
        fingerprint=content,
        total=f"{document.total:.2f}",
    )


def known_documents(binding: Binding | None) -> dict[str, Posted]:
    """By key: "receipt", or a refund's id. What cannot be read counts as not known, and is looked for."""
    if binding is None:
        return {}
    raw = {RECEIPT: binding.data.get(RECEIPT), **_object(binding.data.get("refunds"))}
    known = {}
    for key, value in raw.items():
        try:
            known[key] = Posted.model_validate(value)
        except ValidationError:
            continue
    return known


def to_binding(known: Mapping[str, Posted], app_url: str) -> Binding:
    """What is to be remembered, with the address that opens the receipt in QuickBooks."""
    receipt = known[RECEIPT]
    refunds = {key: one for key, one in known.items() if key != RECEIPT}
    return Binding(
        vendor_id=receipt.id,
        fingerprint=fingerprint(*(known[key].fingerprint for key in sorted(known))),
        url=f"{app_url.rstrip('/')}/app/salesreceipt?txnId={receipt.id}",
        data={
            RECEIPT: receipt.model_dump(),
            "refunds": {key: one.model_dump() for key, one in sorted(refunds.items())},
        },
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
