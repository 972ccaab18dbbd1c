"""Tokens, encrypted with a key that is not in the database, and renewed by one process at a time."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from commerce.errors import NotConfigured, TemporarilyUnavailable
from commerce.failpoints import reached
from commerce.ports import Tokens
from ledger import tables
from ledger.store import SECOND, Store, insert_once, maybe, micros, moment, upsert

log = logging.getLogger(__name__)

KEY_SETTING = "BACKROOM_TOKEN_KEY"

LEASE = 30.0
"""Seconds after which a renewal whose process died is free for others; a living one keeps it."""

LONGEST = 300.0
"""Seconds after which even a living renewal is given up."""

FIRST_LOOK, SLOWEST_LOOK = 0.02, 0.25

MAKE_ONE = (
    'make one: python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"; '
    "keep it out of the database and of its backups"
)


class TokenKeeping(Store):
    """Access and refresh tokens."""

    def tokens(self, connection: str) -> LedgerTokens:
        """Where this connection's tokens are kept. The key is needed only when there is something to keep."""
        return LedgerTokens(self, connection)

    def forget_tokens(self, connection: str) -> bool:
        """Drop the connection's tokens, so that the next call begins with its secret; whether there were any."""
        with self.writing() as db:
            self.alone(db, f"tokens:{connection}")
            return db.execute(delete(tables.tokens).filter_by(connection=connection)).rowcount == 1

    def seal_again(self) -> int:
        """Lock with the first key what an older one locked; returns how many. Afterwards the older keys may go.

        What none of the keys opens is left as it is; reading it says so.
        """
        if len(self.token_keys) < 2:
            return 0
        ring, newest = key_ring(self.token_keys), key_ring(self.token_keys[:1])
        with self.reading() as db:
            old = [row.connection for row in db.execute(select(tables.tokens)) if not opens(newest, row.sealed)]
        changed = 0
        for connection in old:
            with self.writing() as db:
                self.alone(db, f"tokens:{connection}")
                sealed = db.scalar(select(tables.tokens.c.sealed).filter_by(connection=connection))
                if sealed is None or opens(newest, sealed) or not opens(ring, sealed):
                    continue
                again = ring.rotate(sealed.encode()).decode()
                db.execute(update(tables.tokens).where(tables.tokens.c.connection == connection).values(sealed=again))
                changed += 1
        return changed

    @contextmanager
    def only_one(self, name: str) -> Iterator[datetime]:
        """Be the only one, over all processes, that does `name`; yields the database's time when we asked.

        Waits for whoever does it. Raises TemporarilyUnavailable when that takes longer than five minutes.
        """
        with self.reading() as db:
            asked = moment(self.now(db))
        with leased(self, name):
            yield asked

    def token_ends(self, connection: str) -> datetime | None:
        """When nobody but a person can renew the connection's access any more; None when that is not known."""
        with self.reading() as db:
            return maybe(db.scalar(select(tables.tokens.c.refresh_expires_at).filter_by(connection=connection)))


class LedgerTokens:
    """One connection's tokens (a `TokenStore`)."""

    def __init__(self, store: Store, connection: str) -> None:
        self._store = store
        self._connection = connection

    def load(self) -> Tokens | None:
        """The newest pair, None when there never was one. Raises NotConfigured when the key does not open it."""
        with self._store.reading() as db:
            sealed = db.scalar(select(tables.tokens.c.sealed).filter_by(connection=self._connection))
        return None if sealed is None else self._opened(sealed)

    def save(self, tokens: Tokens) -> Tokens:
        """Keep the pair durably before anyone uses it; returns it with its generation."""
        ring = key_ring(self._store.token_keys)
        with self._store.writing() as db:
            self._store.alone(db, f"tokens:{self._connection}")
            known = db.scalar(select(tables.tokens.c.generation).filter_by(connection=self._connection))
            kept = tokens.model_copy(update={"generation": (known or 0) + 1})
            inside = {"connection": self._connection, "tokens": kept.model_dump(mode="json")}
            ends = kept.refresh_expires_at
            row = {
                "connection": self._connection,
                "sealed": ring.encrypt(json.dumps(inside).encode()).decode(),
                "generation": kept.generation,
                "refresh_expires_at": None if ends is None else micros(ends),
                "updated_at": self._store.now(db),
            }
            db.execute(upsert(db, tables.tokens), row)
            reached("before-tokens-commit")
        reached("after-tokens-commit")
        return kept

    @contextmanager
    def refreshing(self) -> Iterator[None]:
        """While held, nobody else renews this connection, in this process or another.

        Waits for whoever does. Raises TemporarilyUnavailable when that takes longer than any renewal may.
        """
        with leased(self._store, f"tokens:{self._connection}"):
            yield

    def _opened(self, sealed: str) -> Tokens:
        try:
            inside = json.loads(key_ring(self._store.token_keys).decrypt(sealed.encode()))
        except InvalidToken:
            raise NotConfigured(
                KEY_SETTING,
                f"does not open the tokens of {self._connection}",
                hint=f"put back the key that they were kept with, or: backroom reconnect {self._connection}",
            ) from None
        if inside["connection"] != self._connection:
            raise NotConfigured(
                "hub.ledger",
                f"the tokens of {self._connection} are those of {inside['connection']}: somebody moved rows",
                hint=f"connect again: backroom reconnect {self._connection}",
            )
        return Tokens.model_validate(inside["tokens"])


def key_ring(keys: Sequence[str]) -> MultiFernet:
    """The keys: the first one locks, every one opens. Raises NotConfigured when there is none, or one is no key."""
    if not keys:
        raise NotConfigured(KEY_SETTING, "is not set, so tokens cannot be kept", hint=MAKE_ONE)
    try:
        return MultiFernet([Fernet(key.strip()) for key in keys])
    except ValueError:
        raise NotConfigured(KEY_SETTING, "is no Fernet key", hint=MAKE_ONE) from None


def opens(ring: MultiFernet, sealed: str) -> bool:
    """Whether one of these keys opens it."""
    try:
        ring.decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True


@contextmanager
def leased(store: Store, name: str, *, lease: float = LEASE, longest: float = LONGEST) -> Iterator[None]:
    """Be the only one, over all processes, until the block ends. A dead holder is replaced after `lease` seconds."""
    holder = uuid.uuid4().hex
    deadline = time.monotonic() + longest
    pause = FIRST_LOOK
    while not _take(store, name, holder, lease):
        if time.monotonic() > deadline:
            raise TemporarilyUnavailable("backroom", f"somebody else holds {name} for more than {longest:.0f} s")
        time.sleep(pause)
        pause = min(pause * 1.5, SLOWEST_LOOK)
    try:
        with _kept(store, lambda: _take(store, name, holder, lease), every=lease / 3, until=deadline):
            yield
    finally:  # after the last renewal, which would take the lease anew
        with store.writing() as db:
            db.execute(delete(tables.leases).filter_by(name=name, holder=holder))


def _take(store: Store, name: str, holder: str, lease: float) -> bool:
    """Take the lease when it is free or ours, and set its end anew."""
    table = tables.leases
    with store.writing() as db:
        now = store.now(db)
        until = now + round(lease * SECOND)
        # One that ends later than any can was taken before the clock went back.
        ended = or_(table.c.until <= now, table.c.until > until + round(lease * SECOND))
        free = and_(table.c.name == name, or_(ended, table.c.holder == holder))
        if db.execute(update(table).where(free).values(holder=holder, until=until)).rowcount:
            return True
        return db.execute(insert_once(db, table), {"name": name, "holder": holder, "until": until}).rowcount == 1


@contextmanager
def _kept(store: Store, renew: Callable[[], bool], *, every: float, until: float) -> Iterator[None]:
    """Renew in the background until the block ends."""
    over = threading.Event()

    def keep() -> None:
        while not store.wait(over, every) and time.monotonic() < until:
            try:
                renew()
            except SQLAlchemyError as error:  # a busy database, say: the lease lasts for two more tries
                log.warning("a lease could not be renewed: %s", type(error).__name__)

    thread = threading.Thread(target=keep, name="token-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
