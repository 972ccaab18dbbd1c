"""Tokens: useless without the key, bound to their connection, renewed by one at a time."""

from __future__ import annotations

import multiprocessing
import time
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import event, text, update

from commerce.errors import NotConfigured, TemporarilyUnavailable
from commerce.ports import Tokens
from ledger import Ledger, tables
from ledger.tokens import leased
from tests.builders import NOON
from tests.ledger.conftest import KEY
from tests.ledger.contract import together

PAIR = Tokens(
    access="canary-access", refresh="canary-refresh", expires_at=NOON, refresh_expires_at=NOON + timedelta(days=90)
)


def everything(ledger) -> str:
    with ledger.reading() as db:
        # As tuples: SQLAlchemy's own words for a row leave the middle of a long text out.
        rows = [tuple(row) for table in tables.metadata.sorted_tables for row in db.execute(table.select())]
    return "\n".join(map(str, rows))


def test_a_pair_comes_back_as_it_was_kept_with_its_generation(opened):
    store = opened().tokens("books")
    assert store.load() is None
    assert store.save(PAIR) == PAIR.model_copy(update={"generation": 1})
    assert store.save(PAIR).generation == 2
    assert opened().tokens("books").load() == PAIR.model_copy(update={"generation": 2})
    assert opened().tokens("shop").load() is None


def test_a_copy_of_the_database_alone_decrypts_nothing(opened):
    opened().tokens("books").save(PAIR)
    assert "canary" not in everything(opened())
    thief = opened(token_keys=[Fernet.generate_key().decode()])
    with pytest.raises(NotConfigured, match="BACKROOM_TOKEN_KEY: does not open the tokens of books"):
        thief.tokens("books").load()


def test_tokens_of_one_connection_cannot_be_moved_to_another(ledger):
    ledger.tokens("books").save(PAIR)
    with ledger.writing() as db:
        db.execute(update(tables.tokens).values(connection="shop"))
    with pytest.raises(NotConfigured, match="the tokens of shop are those of books"):
        ledger.tokens("shop").load()


def test_a_new_key_goes_first_and_the_old_one_still_opens(opened):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    opened(token_keys=[old]).tokens("books").save(PAIR)
    both = opened(token_keys=[new, old]).tokens("books")
    both.save(both.load())
    assert opened(token_keys=[new]).tokens("books").load().access == "canary-access"


def test_what_an_old_key_locked_is_locked_anew_at_once_so_that_the_old_key_may_go(opened):
    # given two connections whose tokens an old key locked, and one that nobody can open
    old, new, lost = (Fernet.generate_key().decode() for _ in range(3))
    for name in ("books", "shop"):
        opened(token_keys=[old]).tokens(name).save(PAIR)
    opened(token_keys=[lost]).tokens("crm").save(PAIR)
    # when a hub opens with both keys, then both are locked anew, once, and nothing else of them changes
    both = opened(token_keys=[new, old])
    assert [both.seal_again(), both.seal_again()] == [2, 0]
    only = opened(token_keys=[new])
    assert only.tokens("books").load() == PAIR.model_copy(update={"generation": 1})
    # and the old key opens nothing any more, in the other's row neither
    with pytest.raises(NotConfigured, match="does not open the tokens of shop"):
        opened(token_keys=[old]).tokens("shop").load()
    with only.writing() as db:
        db.execute(update(tables.tokens).where(tables.tokens.c.connection == "books").values(connection="moved"))
    with pytest.raises(NotConfigured, match="the tokens of moved are those of books"):
        only.tokens("moved").load()
    # and what nobody opens is left for whoever finds its key
    assert opened(token_keys=[lost]).tokens("crm").load().access == "canary-access"
    assert (opened(token_keys=[new]).seal_again(), opened(token_keys=[]).seal_again()) == (0, 0)


def test_tokens_that_are_renewed_just_before_they_are_locked_anew_stay_the_newest(opened):
    # given tokens that an old key locked, and a renewal right after somebody has looked which ones those are
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    renewing, sealing = opened(token_keys=[old]), opened(token_keys=[new, old])
    renewing.tokens("books").save(PAIR)
    renewed = []

    def renews(connection, cursor, statement, *_):
        if "FROM tokens" in statement.replace("\n", "") and not renewed:
            renewed.append(renewing.tokens("books").save(PAIR.model_copy(update={"access": "newest"})))

    event.listen(sealing.engine, "after_cursor_execute", renews)
    # when they are locked with the new key, then it is the newest pair that is
    assert sealing.seal_again() == 1
    assert opened(token_keys=[new]).tokens("books").load().access == "newest"


def test_a_key_is_changed_while_tokens_are_renewed(opened):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    opened(token_keys=[old]).tokens("books").save(PAIR)
    renewing, sealing = opened(token_keys=[old]), opened(token_keys=[new, old])

    def renews():
        for number in range(20):
            renewing.tokens("books").save(PAIR.model_copy(update={"access": f"a-{number}"}))

    def seals():
        for _ in range(20):
            sealing.seal_again()

    together(renews, seals)
    # whoever came last, the newest pair is there, whole
    assert sealing.tokens("books").load().access == "a-19"
    sealing.seal_again()
    assert opened(token_keys=[new]).tokens("books").load().generation == 21


@pytest.mark.parametrize(("keys", "words"), [([], "is not set"), (["short"], "is no Fernet key")])
def test_without_a_key_nothing_is_kept_and_the_setting_is_named(opened, keys, words):
    store = opened(token_keys=keys).tokens("books")
    assert store.load() is None  # a hub without rotating tokens needs no key
    with pytest.raises(NotConfigured, match=f"BACKROOM_TOKEN_KEY: {words}") as refused:
        store.save(PAIR)
    assert "Fernet.generate_key" in refused.value.hint


def test_the_end_of_a_refresh_token_is_known_without_the_key(opened):
    opened().tokens("books").save(PAIR)
    assert opened(token_keys=[]).token_ends("books") == PAIR.refresh_expires_at
    assert opened().token_ends("shop") is None


def renew(store, known: Tokens, calls: list[int]) -> None:
    """What TokenAuth does when it finds that the token it knows has expired."""
    with store.refreshing():
        newest = store.load()
        if newest.generation == known.generation:
            time.sleep(0.05)
            calls.append(newest.generation)
            store.save(newest)


def test_one_of_eight_threads_renews(opened):
    ledger = opened(clock=None)
    known = ledger.tokens("books").save(PAIR)
    calls: list[int] = []
    together(*[lambda: renew(ledger.tokens("books"), known, calls)] * 8)
    assert calls == [1]


def renew_in_a_process(url: str, gate, found) -> None:
    ledger = Ledger(url, [KEY])
    calls: list[int] = []
    store = ledger.tokens("books")
    known = store.load()
    gate.wait()
    renew(store, known, calls)
    found.put(calls)
    ledger.close()


def test_one_of_eight_processes_renews(url, opened):
    opened().tokens("books").save(PAIR)
    context = multiprocessing.get_context("fork")
    gate, found = context.Barrier(8), context.Queue()
    processes = [context.Process(target=renew_in_a_process, args=(url, gate, found)) for _ in range(8)]
    for process in processes:
        process.start()
    calls = [found.get(timeout=30) for _ in processes]
    for process in processes:
        process.join()
    assert sorted(calls) == [[], [], [], [], [], [], [], [1]]


def test_a_renewal_whose_process_died_is_free_after_half_a_minute(ledger, clock):
    with ledger.writing() as db:
        dead = {"name": "tokens:books", "holder": "dead", "until": round((clock() + 30) * 1e6)}
        db.execute(tables.leases.insert(), dead)
    with (
        pytest.raises(Exception, match="somebody else holds tokens:books"),
        leased(ledger, "tokens:books", longest=0.05),
    ):
        pass
    clock.pass_by(31)
    with ledger.tokens("books").refreshing(), ledger.reading() as db:
        assert db.scalar(text("SELECT holder FROM leases")) != "dead"


def test_a_long_renewal_keeps_its_lease(opened):
    ledger = opened(clock=None)
    with (
        leased(ledger, "tokens:books", lease=0.15),
        pytest.raises(Exception, match="somebody else holds"),
        leased(ledger, "tokens:books", longest=0.4),
    ):
        pass


def test_a_renewal_that_failed_lets_the_next_one_in(ledger):
    with pytest.raises(ZeroDivisionError), ledger.tokens("books").refreshing():
        raise ZeroDivisionError
    with ledger.tokens("books").refreshing():
        pass


def test_forgotten_tokens_are_gone(ledger):
    ledger.tokens("books").save(PAIR)
    assert (ledger.forget_tokens("books"), ledger.forget_tokens("books")) == (True, False)
    assert ledger.tokens("books").load() is None
    # the next pair is the first one again
    assert ledger.tokens("books").save(PAIR).generation == 1


def test_one_at_a_time_does_a_named_thing(opened):
    ledger = opened(clock=None)
    inside: list[str] = []

    def read() -> None:
        with ledger.only_one("read:shop"):
            inside.append("in")
            time.sleep(0.02)
            inside.append("out")

    together(*[read] * 4)
    assert inside == ["in", "out"] * 4


def test_a_lease_from_before_the_clock_was_set_back_is_over(opened):
    # given a process that dies while it reads, on a machine whose clock is an hour ahead
    ledger, now = opened(), [7_200.0]
    ledger.clock = lambda: now[0]
    dead = leased(ledger, "reading:shop")
    dead.__enter__()
    # when the clock is set right
    now[0] -= 3_600.0
    # then nobody waits for the hour, and the living one keeps its own
    with leased(ledger, "reading:shop", longest=0.5), pytest.raises(TemporarilyUnavailable):
        leased(ledger, "reading:shop", longest=0.1).__enter__()
