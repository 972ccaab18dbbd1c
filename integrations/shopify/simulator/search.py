"""Shopify's search syntax. https://shopify.dev/docs/api/usage/search-syntax

Where a query is not understood the search fails open: every row comes back, with a warning that has to be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Predicate = Callable[[Any], bool]

RANGES = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
TOKEN = re.compile(
    r"""\s*( \( | \)                                                  # parentheses
        | - (?=[\w('"])                                               # not
        | (?: [^\s()'"\\] | \\. | '(?:\\.|[^'\\])*' | "(?:\\.|[^"\\])*" )+  # a term, quoted parts and escapes kept
        )""",
    re.VERBOSE,
)
TERM = re.compile(r"(?P<field>[A-Za-z0-9_.]+):(?P<op><=|>=|<|>|)(?P<value>.*)", re.DOTALL)
QUOTED = re.compile(r"""^(['"])(.*)\1$""", re.DOTALL)


class BadTimestamp(Exception):
    """A date that is none: a top-level `BAD_REQUEST`, unlike every other mistake."""


class BadValue(Exception):
    """A word that the filter does not know."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """`field:value`, `field:>=value` or a bare word (field "default")."""

    field: str
    op: str
    value: str

    def parsed(self) -> dict[str, Any]:
        """As `extensions.search[].parsed` shows it."""
        if self.op:
            return {"field": self.field, "range": {RANGES[self.op]: self.value}}
        return {"field": self.field, "match_all": self.value}


@dataclass(frozen=True, slots=True)
class Branch:
    """`and`, `or`, or `not` of one."""

    kind: str
    children: tuple[Leaf | Branch, ...]

    def parsed(self) -> dict[str, Any]:
        """As `extensions.search[].parsed` shows it."""
        inner = [child.parsed() for child in self.children]
        return {self.kind: inner[0] if self.kind == "not" else inner}


Tree = Leaf | Branch


@dataclass(frozen=True, slots=True)
class Filter:
    """One search field: a predicate from operator and value, and perhaps a quick way to the few rows in question."""

    predicate: Callable[[str, str], Predicate]
    ids: Callable[[str], set[int]] | None = None


@dataclass(slots=True)
class Search:
    """A compiled query."""

    tree: Tree | None
    keep: Predicate | None = None
    candidates: set[int] | None = None
    warnings: list[dict[str, str]] = field(default_factory=list)

    def report(self, path: list[str], query: str) -> dict[str, Any]:
        """The entry in `extensions.search`."""
        parsed = self.tree.parsed() if self.tree else {}
        shown = {"path": path, "query": query, "parsed": parsed}
        return {**shown, "warnings": self.warnings} if self.warnings else shown

    def bounds(self, name: str) -> list[tuple[str, str]]:
        """The ranges of field `name` that every row must satisfy, as (operator, value)."""
        tree = self.tree
        if tree is None or self.warnings:
            return []
        leaves = tree.children if isinstance(tree, Branch) and tree.kind == "and" else (tree,)
        return [(one.op, one.value) for one in leaves if isinstance(one, Leaf) and one.field == name and one.op]


def compile_search(query: str | None, filters: Mapping[str, Filter]) -> Search:
    """The search for `query`. Raises BadTimestamp."""
    tree = parse_query(query or "")
    search = Search(tree)
    if tree is None:
        return search
    keep = _predicate(tree, filters, search.warnings)
    if not search.warnings:
        search.keep, search.candidates = keep, _candidates(tree, filters)
    return search


def parse_query(query: str) -> Tree | None:
    """The tree of a query, None when it is blank."""
    tokens = _tokens(query)
    tree, rest = _any_of(tokens)
    while rest:  # a stray closing parenthesis
        more, rest = _any_of(rest[1:])
        tree = _join("and", [one for one in (tree, more) if one])
    return tree


def _tokens(query: str) -> list[str]:
    tokens, at = [], 0
    while at < len(query.rstrip()):
        found = TOKEN.match(query, at)
        if found is None:  # an unbalanced quote: take it as an ordinary character
            tokens.append(query[at:].strip())
            break
        tokens.append(found.group().strip())
        at = found.end()
    return tokens


def _any_of(tokens: list[str]) -> tuple[Tree | None, list[str]]:
    parts = []
    part, tokens = _all_of(tokens)
    parts.append(part)
    while tokens and tokens[0] == "OR":
        part, tokens = _all_of(tokens[1:])
        parts.append(part)
    return _join("or", [one for one in parts if one]), tokens


def _all_of(tokens: list[str]) -> tuple[Tree | None, list[str]]:
    parts: list[Tree] = []
    while tokens and tokens[0] not in ("OR", ")"):
        if tokens[0] == "AND":
            tokens = tokens[1:]
            continue
        found, tokens = _one(tokens)
        parts.extend(found)
    return _join("and", parts), tokens


def _one(tokens: list[str]) -> tuple[list[Tree], list[str]]:
    head, rest = tokens[0], tokens[1:]
    if head in ("-", "NOT") and rest:
        found, rest = _one(rest)
        return [Branch("not", (_join("and", found) or Leaf("default", "", ""),))], rest
    if head == "(":
        inner, rest = _any_of(rest)
        return ([inner] if inner else []), rest[1:]
    return list(_leaves(head)), rest


def _leaves(term: str) -> list[Leaf]:
    """Colons of an unquoted value start further `field:value` pairs, as the colons of a time do."""
    found = TERM.match(term)
    if found is None:
        return [Leaf("default", "", _unquote(term))]
    value = found["value"]
    if value[:1] in ("'", '"') or ":" not in value:
        return [Leaf(found["field"], found["op"], _unquote(value))]
    first, rest = value.split(":", 1)
    return [Leaf(found["field"], found["op"], first), *_leaves(rest)]


def _unquote(value: str) -> str:
    found = QUOTED.match(value)
    return re.sub(r"\\(.)", r"\1", found[2] if found else value)


def _join(kind: str, parts: list[Tree]) -> Tree | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return Branch(kind, tuple(parts))


def _predicate(tree: Tree, filters: Mapping[str, Filter], warnings: list[dict[str, str]]) -> Predicate:
    if isinstance(tree, Leaf):
        return _leaf_predicate(tree, filters, warnings)
    inner = [_predicate(child, filters, warnings) for child in tree.children]
    if tree.kind == "not":
        return lambda row: not inner[0](row)
    if tree.kind == "or":
        return lambda row: any(one(row) for one in inner)
    return lambda row: all(one(row) for one in inner)


def _leaf_predicate(leaf: Leaf, filters: Mapping[str, Filter], warnings: list[dict[str, str]]) -> Predicate:
    known = filters.get(leaf.field)
    if known is None:
        _warn(warnings, leaf.field, "Invalid search field for this query.", "invalid_field")
        return lambda _: True
    try:
        return known.predicate(leaf.op, leaf.value)
    except BadTimestamp as wrong:
        raise BadTimestamp(f"Invalid timestamp for query filter `{leaf.field}`.") from wrong
    except BadValue:
        _warn(warnings, leaf.field, f"Input `{leaf.value}` is not an accepted value.", "invalid_value")
        return lambda _: True


def _warn(warnings: list[dict[str, str]], name: str, message: str, code: str) -> None:
    warnings.append({"field": name, "message": message, "code": code})


def _candidates(tree: Tree, filters: Mapping[str, Filter]) -> set[int] | None:
    """Ids among which every match is, or None when only looking at all rows will do."""
    if isinstance(tree, Leaf):
        quick = filters[tree.field].ids
        return quick(tree.value) if quick and not tree.op else None
    found = [_candidates(child, filters) for child in tree.children]
    if tree.kind == "or":
        return None if None in found else set().union(*(one for one in found if one))
    if tree.kind == "and":
        return next((one for one in found if one is not None), None)
    return None
