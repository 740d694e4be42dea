"""The chain of facts: a link in every row, a seal in every book, and the one way in which a fact may change: its erasure.

Books of before are chained without a key from their first fact on, with the code that verifies them: what it makes of a row
can never change while rows made with it are there.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from engine.storage.chain import Chain, Prepared, scheme

revision = "0003"
down_revision = "0002"
LOSES = ("erasures",)

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PAGE = 5_000

SQLITE_GUARD = """
CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END
"""
SQLITE_UNLESS_ERASED = """
WHEN NEW.book_id IS NOT OLD.book_id OR NEW.seq IS NOT OLD.seq OR NEW.step IS NOT OLD.step OR NEW.at IS NOT OLD.at
    OR NEW.kind IS NOT OLD.kind OR NEW.link IS NOT OLD.link OR NEW.salts IS NOT NULL OR OLD.salts IS NULL
    OR NOT EXISTS (SELECT 1 FROM erasures e WHERE e.book_id = OLD.book_id AND e.seq = OLD.seq)
"""
SQLITE_UNLESS_NEW = "WHEN EXISTS (SELECT 1 FROM facts f WHERE f.book_id = NEW.book_id AND f.seq = NEW.seq)"
POSTGRES_ERASURE = """
CREATE FUNCTION facts_may_be_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.book_id, NEW.seq, NEW.step, NEW.at, NEW.kind, NEW.link) IS DISTINCT FROM
            (OLD.book_id, OLD.seq, OLD.step, OLD.at, OLD.kind, OLD.link)
        OR NEW.salts IS NOT NULL OR OLD.salts IS NULL
        OR NOT EXISTS (SELECT 1 FROM erasures e WHERE e.book_id = OLD.book_id AND e.seq = OLD.seq)
    THEN RAISE EXCEPTION 'facts are append-only'; END IF;
    RETURN NEW;
END $$
"""
POSTGRES_UPDATES = """
CREATE TRIGGER facts_erased BEFORE UPDATE ON facts FOR EACH ROW EXECUTE FUNCTION facts_may_be_erased()
"""
POSTGRES_GUARD = """
CREATE TRIGGER {name} BEFORE {verbs} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION facts_are_append_only()
"""


def upgrade() -> None:
    """Chains every book that is there."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    _unguarded(sqlite, ("UPDATE", "DELETE"))
    op.create_table(
        "erasures",
        sa.Column("book_id", BIGINT, primary_key=True, autoincrement=False),
        sa.Column("seq", BIGINT, primary_key=True, autoincrement=False),
        sa.Column("at", BIGINT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["book_id", "seq"], ["facts.book_id", "facts.seq"]),
        sqlite_strict=True,
    )
    op.add_column("facts", sa.Column("salts", sa.Text))
    op.add_column("facts", sa.Column("link", sa.LargeBinary))
    op.add_column("books", sa.Column("seal", sa.Text))
    for book in op.get_bind().execute(sa.text("SELECT id, created_at FROM books ORDER BY id")).all():
        _chain(*book)
    _guarded(sqlite)


def downgrade() -> None:
    """Forgets links and salts; what was erased stays erased."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    _unguarded(sqlite, ("INSERT", "UPDATE", "DELETE"))
    op.drop_table("erasures")
    op.drop_column("facts", "salts")
    op.drop_column("facts", "link")
    op.drop_column("books", "seal")
    if sqlite:
        for verb in ("UPDATE", "DELETE"):
            op.execute(SQLITE_GUARD.format(table="facts", verb=verb, when=""))
    else:
        op.execute("DROP FUNCTION facts_may_be_erased()")
        op.execute(POSTGRES_GUARD.format(name="facts_append_only", table="facts", verbs="UPDATE OR DELETE OR TRUNCATE"))


def _unguarded(sqlite: bool, verbs: tuple[str, ...]) -> None:
    for name in [f"facts_{verb}" for verb in verbs] if sqlite else ["facts_append_only", "facts_erased"]:
        op.execute(f"DROP TRIGGER {name}" if sqlite else f"DROP TRIGGER IF EXISTS {name} ON facts")


def _guarded(sqlite: bool) -> None:
    """INSERT OR REPLACE would delete a row of SQLite past its trigger for deletes, so a number cannot be inserted twice."""
    if not sqlite:
        op.execute(POSTGRES_ERASURE)
        op.execute(POSTGRES_UPDATES)
        op.execute(POSTGRES_GUARD.format(name="facts_append_only", table="facts", verbs="DELETE OR TRUNCATE"))
        op.execute(POSTGRES_GUARD.format(name="erasures_append_only", table="erasures", verbs="UPDATE OR DELETE OR TRUNCATE"))
        return
    for verb, when in (("INSERT", SQLITE_UNLESS_NEW), ("UPDATE", SQLITE_UNLESS_ERASED), ("DELETE", "")):
        op.execute(SQLITE_GUARD.format(table="facts", verb=verb, when=when))
    for verb in ("UPDATE", "DELETE"):
        op.execute(SQLITE_GUARD.format(table="erasures", verb=verb, when=""))


def _chain(book_id: int, created_at: int) -> None:
    plain = scheme(None)
    chain, seal = Chain(plain, plain.first(book_id, created_at)), None
    for rows in _pages(book_id):
        longer = chain.lengthen(rows)
        chain.link, seal = longer.link, longer.seal
        links = [{"book": row[0], "seq": row[1], "salts": row[6], "link": row[7]} for row in longer.rows]
        update = "UPDATE facts SET salts = :salts, link = :link WHERE book_id = :book AND seq = :seq"
        op.get_bind().execute(sa.text(update), links)
    op.get_bind().execute(sa.text("UPDATE books SET seal = :seal WHERE id = :book"), {"seal": seal, "book": book_id})


def _pages(book_id: int) -> Iterator[list[Prepared]]:
    query = sa.text(
        "SELECT book_id, seq, step, at, kind, fact FROM facts WHERE book_id = :book AND seq > :seq ORDER BY seq LIMIT :most"
    )
    seq: Any = 0
    while rows := op.get_bind().execute(query, {"book": book_id, "seq": seq, "most": PAGE}).all():
        yield [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in rows]
        seq = rows[-1][1]
