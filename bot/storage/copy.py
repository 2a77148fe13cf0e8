"""Copying a whole database into another one, of either kind: every row of every table, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Table,
    Text,
    bindparam,
    cast,
    func,
    insert,
    select,
    type_coerce,
    update,
)
from sqlalchemy.exc import DBAPIError

from bot.domain.trouble import Trouble
from bot.storage.database import Database
from bot.storage.tables import Base, Lease
from bot.storage.tuning import COPYING

#: How many rows are read and written at a time.
BATCH = 1000
#: How often the lease is looked at, in seconds, and how many times: for longer than its term, in which a bot that lives
#: gives a sign of it. Its clock may be wrong, so nothing is made of what time it wrote there.
LOOK, LOOKS = 0.5, 24


#: Who holds the lease, and until when: it changes with each sign of life.
_Sign = list[tuple[object, ...]]


class CannotCopy(Trouble):
    """A database cannot be copied; the message says why, and what to do. Nothing was copied."""


def copy(source: Database, target: Database, wait: Callable[[float], object]) -> dict[str, int]:
    """Copy every row of *source*, whose tables are up to date, and return how many rows each table has.

    The target's tables are made here, and every row is written in one transaction; meanwhile nobody else can write.
    Who held the source's lease is not copied, only until when; and it is taken from them: a bot that was only asleep must
    not go on writing into what was left. wait: waits for so many seconds, while a bot at work gives a sign of life.
    Raises `CannotCopy`, `DatabaseUnusable`, `DatabaseAway`.
    """
    if _is_in_memory(target):
        raise CannotCopy("What is copied into memory is gone when the command ends; name a file.")
    if _is_same_file(source, target):
        raise _same(target)
    target.migrate()
    if _is_same_on_server(source, target):
        raise _same(target)
    sign = _refuse_running(source, wait)
    tables = Base.metadata.sorted_tables  # what others point to comes first
    with source.unhurried() as reading:
        _hold(reading, tables)
        if _sign_of_life(reading) != sign:
            raise _at_work(source)
        reading.execute(update(Lease).values(holder=""))
        counts = {table.name: _count(reading, table) for table in tables}
        if not any(counts.values()):
            raise CannotCopy(f"There is nothing in {source.place}; check database.url in config.yaml.")
        with target.unhurried() as writing:
            _hold(writing, tables)
            _refuse_used(target, writing, tables)
            for table in tables:
                _copy_table(table, reading, target, writing)
                if _count(writing, table) != counts[table.name]:
                    raise CannotCopy(f"Not every row of {table.name} arrived in {target.place}; try again.")
    return counts


# --- what is refused -------------------------------------------------------------------------------------


def _same(target: Database) -> CannotCopy:
    return CannotCopy(f"{target.place} is the database that config.yaml names; name another one.")


def _is_in_memory(database: Database) -> bool:
    url = database.engine.url
    path = url.database or ""
    is_memory = path in ("", ":memory:") or (
        path.startswith("file:") and (":memory:" in path or url.query.get("mode") == "memory")
    )
    return database.engine.dialect.name == "sqlite" and is_memory


def _is_same_file(source: Database, target: Database) -> bool:
    if {source.engine.dialect.name, target.engine.dialect.name} != {"sqlite"}:
        return False
    one, other = (Path(database.engine.url.database or "").resolve() for database in (source, target))
    return one == other or (one.exists() and other.exists() and one.samefile(other))


def _is_same_on_server(source: Database, target: Database) -> bool:
    """Ask PostgreSQL itself, for one server has many names: a lock taken here is seen there only if both are the same."""
    if {source.engine.dialect.name, target.engine.dialect.name} != {"postgresql"}:
        return False
    with source.beside() as one, target.beside() as other:
        one.execute(select(func.pg_advisory_xact_lock(COPYING)))
        return not other.scalar(select(func.pg_try_advisory_xact_lock(COPYING)))


def _refuse_running(source: Database, wait: Callable[[float], object]) -> _Sign:
    """Watch for a bot at work; return the sign of life that has stood still.

    On a server one may stand by even if nobody holds the lease, and would take it within seconds.
    """
    sign = _look(source)
    if not (_is_held(sign) or source.is_shared):
        return sign
    for _ in range(LOOKS):
        wait(LOOK)
        before, sign = sign, _look(source)
        if sign != before and _is_held(sign):
            raise _at_work(source)
    return sign


def _look(source: Database) -> _Sign:
    with source.beside() as connection:
        return _sign_of_life(connection)


def _sign_of_life(connection: Connection) -> _Sign:
    return [tuple(row) for row in connection.execute(select(Lease.holder, Lease.expires_at))]


def _is_held(sign: _Sign) -> bool:
    return any(holder for holder, _until in sign)


def _at_work(source: Database) -> CannotCopy:
    return CannotCopy(
        f"A bot is at work on {source.place}. Stop it first, and on a server every one that stands by."
    )


def _refuse_used(target: Database, writing: Connection, tables: Sequence[Table]) -> None:
    used = [table.name for table in tables if _count(writing, table)]
    if used:
        raise CannotCopy(
            f"{target.place} is not empty: there are rows in {', '.join(used)}. Name a new database."
        )


# --- copying ---------------------------------------------------------------------------------------------


def _hold(connection: Connection, tables: Sequence[Table]) -> None:
    """Keep out those who take no turns; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(f'"{table.name}"' for table in tables)
        connection.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _copy_table(table: Table, reading: Connection, target: Database, writing: Connection) -> None:
    columns = [_read(column, reading).label(_name(column)) for column in table.columns]
    rows = reading.execute(
        select(*columns).order_by(*table.primary_key.columns), execution_options={"yield_per": BATCH}
    )
    write = insert(table).values({column.name: _written(column, writing) for column in table.columns})
    for batch in rows.mappings().partitions():
        values = [dict(row) for row in batch]
        if table is Lease.__table__:
            values = [{**row, _name(table.columns.holder): ""} for row in values]
        try:
            writing.execute(write, values)
        except DBAPIError as error:
            raise CannotCopy(
                f"A row of {table.name} does not fit into {target.place} ({error.orig}). Nothing was copied."
            ) from error
    numbered = table.autoincrement_column
    if numbered is not None and writing.dialect.name == "postgresql":
        # The next number comes after the last one; in an empty table it is 1.
        last = select(func.max(numbered)).scalar_subquery()
        sequence = func.pg_get_serial_sequence(table.name, numbered.name)
        writing.execute(select(func.setval(sequence, func.coalesce(last, 1), last.is_not(None))))


def _name(column: Column[Any]) -> str:
    return f"copied_{column.name}"


def _read(column: Column[Any], reading: Connection) -> Any:
    """Read JSON as it is written, so that not a sign of it changes."""
    if not isinstance(column.type, JSON):
        return column
    return cast(column, Text) if reading.dialect.name == "postgresql" else type_coerce(column, Text)


def _written(column: Column[Any], writing: Connection) -> Any:
    if not isinstance(column.type, JSON):
        return bindparam(_name(column), type_=column.type)
    text = bindparam(_name(column), type_=Text)
    return cast(text, JSON) if writing.dialect.name == "postgresql" else text
