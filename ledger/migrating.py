"""Bringing the tables up to date: one transaction, so a killed migration never happened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from commerce.errors import NotConfigured
from commerce.failpoints import reached

if TYPE_CHECKING:
    from alembic.config import Config

    from ledger.store import Store

NEWEST = "0007"
"""The revision that this release works with."""

FOLDER = Path(__file__).parent / "migrations"


def bring_up_to_date(store: Store) -> None:
    """Migrate to `NEWEST`. Raises NotConfigured when the database was written by a newer release."""
    with store.reading() as db:
        if revision_of(db) == NEWEST:
            return  # without loading Alembic, which every flow run would pay for
    with store.writing() as db:
        store.alone(db, "migrate")
        refuse_newer(revision_of(db))
        from alembic import command

        command.upgrade(config_for(db), NEWEST)
        reached("before-migrate-commit")
    reached("after-migrate-commit")


def revision_of(db: Connection) -> str | None:
    """The revision of the tables, None when there are none yet."""
    if not inspect(db).has_table("alembic_version"):
        return None
    found = db.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


def refuse_newer(revision: str | None) -> None:
    """An older release must not write to tables that it does not understand."""
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory(str(FOLDER)).walk_revisions()}
    if revision is not None and revision not in known:
        raise NotConfigured(
            "hub.ledger",
            f"the database is at revision {revision}, this release knows none newer than {NEWEST}",
            hint="upgrade backroom, or point hub.ledger at the database that belongs to this release",
        )


def config_for(db: Connection) -> Config:
    """Alembic's settings, over our own transaction."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = db
    return config
