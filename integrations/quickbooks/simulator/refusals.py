"""How QuickBooks says no: business faults with capitals, gateway faults in lower case."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from xml.sax.saxutils import escape

import httpx

MESSAGES = {
    "500": "Unsupported Operation",
    "610": "Object Not Found",
    "2010": "Request has invalid or unsupported property",
    "2020": "Required param missing, need to supply the required value for the API",
    "2050": "String length is either shorter or longer than supported by specification",
    "2170": "Invalid Enumeration",
    "2500": "Invalid Reference Id",
    "4000": "Error parsing query",
    "4001": "Invalid query",
    "5010": "Stale Object Error",
    "6000": "A business validation error has occurred while processing your request",
    "6070": "Amount calculation incorrect in the request",
    "6140": "Duplicate Document Number Error",
    "6190": "Invalid Company Status",
    "6210": "Account Period Closed, Cannot Update Through Services API",
    "6240": "Duplicate Name Exists Error",
    "6270": "Transaction date is prior to start date for inventory item",
    "6540": "Deposited Transaction cannot be changed",
}


PACIFIC = timezone(timedelta(hours=-8))


class Refused(Exception):
    """A fault of the business side."""

    def __init__(self, code: str, detail: str = "", element: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.element = element

    def fault(self) -> dict[str, Any]:
        """The `Fault` object."""
        message = MESSAGES.get(self.code, "An application error has occurred while processing your request")
        detail = f"{message} : {self.detail}" if self.detail else message
        error = {"Message": message, "Detail": detail, "code": self.code, "element": self.element}
        return {"Error": [error], "type": "ValidationFault"}


def gateway_fault(
    kind: str, status: int, name: str, code: str, detail: str, now: float, *, padded: bool = False
) -> httpx.Response:
    """A fault of the gateway, as it stands before the business side: lower case, padded with nulls."""
    message = f"message={name}; errorCode={code.zfill(6)}; statusCode={status}"
    code = code.zfill(6) if padded else code
    body: dict[str, Any] = {
        "warnings": None,
        "intuitObject": None,
        "fault": {"error": [{"message": message, "detail": detail, "code": code, "element": None}], "type": kind},
        "report": None,
        "queryResponse": None,
        "batchItemResponse": [],
        "attachableResponse": [],
        "syncErrorResponse": None,
        "requestId": None,
        "time": int(now * 1000),
        "status": None,
        "cdcresponse": [],
    }
    return httpx.Response(status, json=body)


def answer(body: dict[str, Any], now: float, status: int = 200) -> httpx.Response:
    """A JSON answer with its time; decimals become numbers."""
    text = json.dumps({**body, "time": stamp(now)}, default=float)
    return httpx.Response(status, headers={"content-type": "application/json;charset=UTF-8"}, text=text)


def stamp(now: float) -> str:
    """A time as QuickBooks writes it: with the offset of its servers, which is often Pacific."""
    return datetime.fromtimestamp(now, PACIFIC).isoformat(timespec="milliseconds")


def utc_stamp(now: float) -> str:
    """A time in UTC with nine decimals, as webhooks write it."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "517Z"


def moment_of(text: str) -> float:
    """Seconds since the epoch of a time that a client wrote. Refused with 2010 when it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("2010", f"Invalid Date : {text}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=PACIFIC)).timestamp()


def as_xml(response: httpx.Response, now: float) -> httpx.Response:
    """The same fault for a client that does not accept JSON."""
    body = response.json()
    fault = body.get("Fault") or body.get("fault") or {}
    errors = "".join(
        f'<Error code="{one.get("code", "")}">'
        f"<Message>{escape(str(one.get('Message') or one.get('message')))}</Message>"
        f"<Detail>{escape(str(one.get('Detail') or one.get('detail')))}</Detail></Error>"
        for one in fault.get("Error") or fault.get("error") or []
    )
    text = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><IntuitResponse time="{stamp(now)}" '
        f'xmlns="http://schema.intuit.com/finance/v3"><Fault type="{fault.get("type", "")}">{errors}</Fault>'
        "</IntuitResponse>"
    )
    headers = {key: value for key, value in response.headers.items() if key.lower() in ("intuit_tid", "retry-after")}
    return httpx.Response(response.status_code, headers={**headers, "content-type": "application/xml"}, text=text)
