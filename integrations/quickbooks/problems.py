"""Faults as QuickBooks writes them: with capitals, in lower case, as XML, with and without a code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

import httpx
from pydantic import AliasChoices, Field

from integrations.quickbooks.schemas import Read

TID = "intuit_tid"
"""The header that names a call for Intuit's support; also how `Books.batch` marks what it hands on."""

CODE_OF_TYPE = {
    "systemfault": "10000",
    "service": "10000",
    "authentication": "3200",
    "authenticationfault": "3200",
    "authorization": "3100",
    "authorizationfault": "3100",
    "authorizatonfault": "3100",  # as Intuit's schema spells it
}
"""What a fault without a code means, by its type in lower case."""

XML_FAULT = re.compile(r"<(?:\w+:)?Fault\b[^>]*?(?:\btype=\"(?P<type>\w+)\"[^>]*)?>")
XML_ERROR = re.compile(r"<(?:\w+:)?Error\b[^>]*?\bcode=\"(?P<code>\d+)\"")
XML_WORDS = re.compile(r"<(?:\w+:)?(?P<name>Message|Detail)>(?P<words>[^<]*)<")


class Problem(Read):
    """One error of a fault. The gateway writes it in lower case, the business side with capitals."""

    # https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
    message: str = Field(default="", validation_alias=AliasChoices("Message", "message"))
    detail: str = Field(default="", validation_alias=AliasChoices("Detail", "detail"))
    code: str = ""
    type: str = ""
    tid: str = ""

    @property
    def number(self) -> str:
        """The code without leading zeros ("003001" is "3001"); where there is none, what words or type say."""
        told = re.search(r"errorCode=(\d+)", self.message)
        code = self.code or (told[1] if told else "") or CODE_OF_TYPE.get(self.type.lower(), "")
        return code.lstrip("0") or code

    @property
    def words(self) -> str:
        """What QuickBooks says, for people."""
        return (self.detail or self.message)[:400]


def problem_in(body: Any) -> Problem | None:
    """The first error of a fault in an answer's JSON, of either shape; None when there is no fault."""
    if not isinstance(body, dict):
        return None
    fault = body.get("Fault") or body.get("fault")
    if not isinstance(fault, dict):
        return None
    errors = fault.get("Error") or fault.get("error") or [{}]
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
    return _problem(first, str(fault.get("type") or ""), str(body.get(TID) or ""))


def problem_of(response: httpx.Response) -> Problem | None:
    """The fault in an answer, JSON or XML; None when there is none, as in a proxy's page."""
    tid = response.headers.get(TID, "")
    try:
        body = response.json()
    except (ValueError, UnicodeDecodeError):
        return _in_xml(response.text[:20_000], tid)
    return problem_in({**body, TID: tid}) if isinstance(body, dict) else None


def _in_xml(text: str, tid: str) -> Problem | None:
    fault = XML_FAULT.search(text)
    if fault is None:
        return None
    words = {found["name"]: unescape(found["words"]) for found in XML_WORDS.finditer(text)}
    code = XML_ERROR.search(text)
    return _problem({**words, "code": code["code"] if code else ""}, fault["type"] or "", tid)


def _problem(error: Mapping[str, Any], type_: str, tid: str) -> Problem:
    """Tolerant of any value: nobody can be told of a problem that could not be read."""
    known = {
        key: str(value) for key, value in error.items() if value is not None and not isinstance(value, dict | list)
    }
    return Problem.model_validate({"message": type_ or "fault", **known, "type": type_, "tid": tid})
