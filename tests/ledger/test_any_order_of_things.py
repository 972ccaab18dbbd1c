"""Whatever happens in whatever order, nobody gets less, nobody gets it twice, and everything comes to rest.

Hypothesis makes up the story: changes, claims, outcomes, runs that die, clocks that go on.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from commerce.outcomes import Held, Outcome, Retry, Skipped, Unknown
from ledger import Claim, Ledger
from tests.builders import NOON, an_order
from tests.ledger.contract import Clock, a_file, done

KEEPS = {"warehouse": "state", "marketing": "events"}
OUTCOMES = [
    done(),
    Skipped(reason="nothing to do"),
    Retry(reason="busy", after=20),
    Held(cause="c", reason="r"),
    Unknown(reason="lost"),
]
Names = st.sampled_from(sorted(KEEPS))


class World(RuleBasedStateMachine):
    """Two destinations, three orders, and a hub that dies now and then."""

    template: Path

    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        self.clock = Clock()
        self.ledger = Ledger(a_file(Path(self.folder.name), self.template), clock=self.clock)
        for name, keeps in KEEPS.items():
            self.ledger.subscribe(name, "shop", ["order"], keeps, live_from=NOON)
        self.revision = dict.fromkeys((1, 2, 3), 0)
        self.claims: list[Claim] = []
        self.applied: dict[str, dict[str, list[int]]] = {name: {} for name in KEEPS}
        self.doubted: set[tuple[str, str]] = set()

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.comes_to_rest()
            self.ledger.close()
            self.folder.cleanup()

    @rule(number=st.sampled_from((1, 2, 3)))
    def an_order_changes(self, number: int) -> None:
        self.revision[number] += 1
        stamp = NOON + timedelta(seconds=self.revision[number])
        order = an_order(number, note=str(self.revision[number]), updated_at=stamp)
        assert self.ledger.record_orders("shop", [order, order]).new_events == 1

    @rule(name=Names, limit=st.integers(1, 3))
    def a_run_claims(self, name: str, limit: int) -> None:
        claim = self.ledger.claim(name, limit=limit, lease=60)
        if claim.items:
            self.claims.append(claim)
        for item in claim.items:
            assert item.in_doubt or (name, item.subject) not in self.doubted, "a doubt was forgotten"

    @precondition(lambda self: self.claims)
    @rule(outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=3, max_size=3), at=st.integers(0, 9))
    def a_run_settles(self, outcomes: list[Outcome], at: int) -> None:
        self.settle(self.claims.pop(at % len(self.claims)), outcomes)

    def settle(self, claim: Claim, outcomes: list[Outcome]) -> None:
        for item, outcome in zip(claim.items, outcomes, strict=False):
            key = (claim.destination, item.subject)
            if not self.ledger.settle(claim, [(item, outcome)]):
                continue
            if isinstance(outcome, Unknown):
                self.doubted.add(key)
            if outcome.state in ("done", "skipped"):
                self.doubted.discard(key)
                notes = [int(event.data["note"]) for event in item.events]
                seen = self.applied[claim.destination].setdefault(item.subject, [])
                seen += notes[-1:]

    @precondition(lambda self: self.claims)
    @rule(at=st.integers(0, 9))
    def a_run_gives_back(self, at: int) -> None:
        self.ledger.release(self.claims.pop(at % len(self.claims)), reason="stopped")

    @rule(seconds=st.sampled_from((1, 30, 61, 4000)))
    def time_passes(self, seconds: int) -> None:
        self.clock.pass_by(seconds)

    @rule()
    def a_person_releases_what_is_held(self) -> None:
        self.ledger.release_held()

    @invariant()
    def facts_arrive_in_order_and_once(self) -> None:
        for by_subject in getattr(self, "applied", {}).values():
            for notes in by_subject.values():
                assert notes == sorted(set(notes)), f"{notes} came twice or out of order"

    def comes_to_rest(self) -> None:
        """When everybody works again, every order is at every destination as it now is."""
        for _ in range(40):
            self.clock.pass_by(7200)
            self.ledger.release_held()
            claims = [self.ledger.claim(name, limit=9) for name in KEEPS]
            for claim in claims:
                self.settle(claim, [done()] * 9)
            if not any(claim.items for claim in claims):
                break
        for row in self.ledger.status():
            assert (row.waiting, row.retry, row.unknown, row.held) == (0, 0, 0, 0), row
        for number, newest in self.revision.items():
            for name, keeps in KEEPS.items():
                notes = self.applied[name].get(f"shop:5{number}", [])
                if keeps == "events":
                    assert notes == list(range(1, newest + 1)), f"{name} has {notes} of {newest}"
                else:
                    assert notes[-1:] == ([newest] if newest else []), f"{name} has {notes}, newest is {newest}"


def test_whatever_happens_everything_arrives_once_and_in_order(migrated_file):
    World.template = migrated_file
    limits = settings(max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(World, settings=limits)
