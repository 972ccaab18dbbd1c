"""The query language: SELECT … FROM … WHERE … AND … ORDERBY … STARTPOSITION … MAXRESULTS …, and nothing more."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from integrations.quickbooks.simulator.refusals import Refused, moment_of

TOKEN = re.compile(r"\s*(?:('(?:\\.|[^'\\])*')|(<=|>=|[=<>(),*])|([A-Za-z0-9_.]+))")
TRANSACTIONS = {"SalesReceipt", "RefundReceipt", "Deposit", "JournalEntry"}
OF_TRANSACTIONS = {"Id", "DocNumber", "TxnDate", "CustomerRef", "TotalAmt", "Balance"}
OF_NAMES = {"Id", "Name", "DisplayName", "Active", "Sku", "Type", "AccountType", "PrimaryEmailAddr"}
STAMPS = {"MetaData.CreateTime", "MetaData.LastUpdatedTime"}
NUMBERS = {"Id", "TotalAmt", "Balance"}
ACTIVE_ONLY = {"Customer", "Vendor", "Employee", "Item", "Account", "TaxCode"}
LARGEST_PAGE = 1000


@dataclass
class Statement:
    """A parsed query."""

    fields: list[str]
    entity: str
    where: list[tuple[str, str, list[str]]] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)
    start: int = 1
    most: int = 100

    def exact(self, name: str) -> list[str] | None:
        """Values that `name` has to be one of, if the query says so."""
        return next(
            (values for field_, operator, values in self.where if field_ == name and operator in ("=", "IN")), None
        )


class Parser:
    """Reads one statement; anything it does not know is a parse error."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at, text = 0, text.strip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise Refused("4000", f"QueryParserError: Encountered unexpected character at position {at}")
            self.tokens.append(match.group().strip())
            at = match.end()
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at].upper() if self.at < len(self.tokens) else ""

    def take(self, *words: str) -> str:
        token = self.tokens[self.at] if self.at < len(self.tokens) else "<EOF>"
        if words and token.upper() not in words:
            raise Refused("4000", f'QueryParserError: Encountered " "{token}"", expecting {" or ".join(words)}')
        self.at += 1
        return token

    def statement(self) -> Statement:
        self.take("SELECT")
        fields = self._fields()
        self.take("FROM")
        found = Statement(fields, self.take())
        if self.peek() == "WHERE":
            self.take()
            found.where.append(self._condition())
            while self.peek() == "AND":
                self.take()
                found.where.append(self._condition())
        self._tail(found)
        if self.at < len(self.tokens):
            raise Refused("4000", f'QueryParserError: Encountered " "{self.tokens[self.at]}""')
        return found

    def _fields(self) -> list[str]:
        fields = [self.take()]
        if fields[0].lower() == "count":
            for part in ("(", "*", ")"):
                self.take(part)
            return ["count(*)"]
        while self.peek() == ",":
            self.take()
            fields.append(self.take())
        return fields

    def _condition(self) -> tuple[str, str, list[str]]:
        name = self.take()
        operator = self.take("=", "<", ">", "<=", ">=", "IN", "LIKE").upper()
        if operator != "IN":
            return name, operator, [self._value()]
        self.take("(")
        values = [self._value()]
        while self.take(",", ")") == ",":
            values.append(self._value())
        return name, operator, values

    def _value(self) -> str:
        token = self.take()
        if token.lower() in ("true", "false"):
            return token.lower()
        if not token.startswith("'"):
            raise Refused("4000", f'QueryParserError: Encountered " "{token}"", values stand in single quotes')
        return re.sub(r"\\(.)", r"\1", token[1:-1])

    def _tail(self, found: Statement) -> None:
        if self.peek() in ("ORDERBY", "ORDER"):
            if self.take().upper() == "ORDER":
                self.take("BY")
            found.order.append(self._ordering())
            while self.peek() == ",":
                self.take()
                found.order.append(self._ordering())
        if self.peek() == "STARTPOSITION":
            self.take()
            found.start = self._count("STARTPOSITION")
        if self.peek() == "MAXRESULTS":
            self.take()
            found.most = self._count("MAXRESULTS")

    def _ordering(self) -> tuple[str, bool]:
        name = self.take()
        return name, self.peek() in ("ASC", "DESC") and self.take().upper() == "DESC"

    def _count(self, name: str) -> int:
        token = self.take()
        if not token.isdigit() or int(token) < 1:
            raise Refused("4001", f"QueryValidationError: {name} value {token} is too small. Min allowed value is 1")
        if name == "MAXRESULTS" and int(token) > LARGEST_PAGE:
            raise Refused(
                "4001", f"QueryValidationError: value {token} is too large. Max allowed value is {LARGEST_PAGE}"
            )
        return int(token)


def parse(text: str, entities: Iterable[str]) -> Statement:
    """The statement, with entity and properties checked."""
    found = Parser(text).statement()
    known = {name.lower(): name for name in entities}
    if found.entity.lower() not in known:
        raise Refused("4001", f"QueryValidationError: invalid context declaration: {found.entity}")
    found.entity = known[found.entity.lower()]
    allowed = (OF_TRANSACTIONS if found.entity in TRANSACTIONS else OF_NAMES) | STAMPS
    for name in [name for name, _, _ in found.where] + [name for name, _ in found.order]:
        if name not in allowed:
            raise Refused("4001", f"QueryValidationError: property '{name}' is not queryable")
    return found


def run(
    found: Statement, rows: Iterable[dict[str, Any]], *, sku_with_star: bool = True
) -> tuple[list[dict[str, Any]], int]:
    """One page of rows with the fields asked for, and how many there are in all."""
    conditions = [_condition(*where) for where in found.where]
    if found.entity in ACTIVE_ONLY and all(name != "Active" for name, _, _ in found.where):
        conditions.append(lambda row: row.get("Active", True) is not False)
    kept = [row for row in rows if all(condition(row) for condition in conditions)]
    for name, falling in reversed(found.order or [("Id", True)]):
        kept.sort(key=partial(_sort_key, name), reverse=falling)
    page = kept[found.start - 1 : found.start - 1 + found.most]
    hidden = set() if sku_with_star or "Sku" in found.fields or found.entity != "Item" else {"Sku"}
    return [_chosen(row, found.fields, hidden) for row in page], len(kept)


def value_of(row: dict[str, Any], name: str) -> Any:
    """The value at a dotted name; a reference's id."""
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value.get("value") if isinstance(value, dict) and "value" in value else value


def _sort_key(name: str, row: dict[str, Any]) -> Any:
    return _comparable(name, value_of(row, name))


def _condition(name: str, operator: str, values: list[str]) -> Callable[[dict[str, Any]], bool]:
    wanted = [_comparable(name, value) for value in values]
    if operator == "LIKE":
        pattern = re.compile(re.escape(values[0]).replace("%", ".*"), re.IGNORECASE)
        return lambda row: pattern.fullmatch(str(value_of(row, name) or "")) is not None
    tests: dict[str, Callable[[Any], bool]] = {
        "=": lambda value: value == wanted[0],
        "IN": lambda value: value in wanted,
        "<": lambda value: value < wanted[0],
        ">": lambda value: value > wanted[0],
        "<=": lambda value: value <= wanted[0],
        ">=": lambda value: value >= wanted[0],
    }
    return lambda row: value_of(row, name) is not None and tests[operator](_comparable(name, value_of(row, name)))


def _comparable(name: str, value: Any) -> Any:
    if name in STAMPS:
        return moment_of(str(value))
    if name in NUMBERS:
        try:
            return Decimal(str(value))
        except InvalidOperation as error:
            raise Refused("4001", f"QueryValidationError: value {value} is no number") from error
    if isinstance(value, bool):
        return str(value).lower()
    return str(value or "").lower() if name in ("Name", "DisplayName") else str(value or "")


def _chosen(row: dict[str, Any], fields: list[str], hidden: set[str]) -> dict[str, Any]:
    if "*" in fields:
        return {key: value for key, value in row.items() if key not in hidden}
    chosen = {name: row[name] for name in (field_.split(".")[0] for field_ in fields) if name in row}
    return chosen | {key: row[key] for key in ("domain", "sparse") if key in row}
