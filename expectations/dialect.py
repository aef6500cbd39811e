"""A DuckDB dialect for SQLAlchemy that keeps result rows beyond the life of a connection.

Great Expectations 1.24 reads the cursor after its connection is closed; with duckdb_engine that
fails with "list index out of range". Belongs here: the cure, to be removed when Great Expectations
speaks DuckDB itself.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import duckdb_engine
from sqlalchemy.dialects import registry
from sqlalchemy.engine.cursor import ResultFetchStrategy

ROW_LIMIT = 1_000
"""Rows kept of one result. Verdicts are counts; only samples of broken rows are ever longer."""


class TruncatedResultError(RuntimeError):
    """Somebody asked for rows beyond those kept."""

    def __init__(self) -> None:
        super().__init__(f"a check asked for more than {ROW_LIMIT} rows of one result")


class BoundedBuffer(ResultFetchStrategy):
    """The first `ROW_LIMIT` rows of a result, and a refusal to pretend that they are all.

    Args:
        rows: Up to one row more than the limit, so that a cut is noticed.
    """

    __slots__ = ("_rows", "_truncated")

    def __init__(self, rows: Sequence[Any]) -> None:
        self._rows = deque(rows[:ROW_LIMIT])
        self._truncated = len(rows) > ROW_LIMIT

    def yield_per(self, result: Any, dbapi_cursor: Any, num: int) -> None:
        """Ignore the wish for smaller portions: everything is in memory already."""

    def soft_close(self, result: Any, dbapi_cursor: Any) -> None:
        """Forget the rows."""
        self._rows.clear()

    def hard_close(self, result: Any, dbapi_cursor: Any) -> None:
        """Forget the rows."""
        self._rows.clear()

    def fetchone(self, result: Any, dbapi_cursor: Any, hard_close: bool = False) -> Any:
        """Return the next row, or None after the last.

        Raises:
            TruncatedResultError: When the next row wasn't kept.
        """
        if self._rows:
            return self._rows.popleft()
        self._refuse_if_truncated()
        result._soft_close(hard=hard_close)
        return None

    def fetchmany(self, result: Any, dbapi_cursor: Any, size: int | None = None) -> Any:
        """Return up to `size` rows.

        Raises:
            TruncatedResultError: When more rows are wanted than were kept.
        """
        if size is None:
            return self.fetchall(result, dbapi_cursor)
        if size > len(self._rows):
            self._refuse_if_truncated()
        rows = [self._rows.popleft() for _ in range(min(size, len(self._rows)))]
        if not rows:
            result._soft_close()
        return rows

    def fetchall(self, result: Any, dbapi_cursor: Any) -> Any:
        """Return all rows.

        Raises:
            TruncatedResultError: When not all were kept.
        """
        self._refuse_if_truncated()
        rows = list(self._rows)
        self._rows.clear()
        result._soft_close()
        return rows

    def _refuse_if_truncated(self) -> None:
        if self._truncated:
            raise TruncatedResultError


_StockContext: Any = duckdb_engine.Dialect.execution_ctx_cls


class BufferedContext(_StockContext):  # type: ignore[misc]
    """Takes the rows over as soon as a statement has run."""

    def post_exec(self) -> None:
        """Buffer the result, when there is one."""
        super().post_exec()
        if self.cursor is not None and self.cursor.description:
            self.cursor_fetch_strategy = BoundedBuffer(self.cursor.fetchmany(ROW_LIMIT + 1))


class BufferedDialect(duckdb_engine.Dialect):  # type: ignore[misc]
    """duckdb_engine's dialect with buffered results."""

    supports_statement_cache = True
    execution_ctx_cls = BufferedContext


def register() -> None:
    """Make `duckdb://` addresses use the buffered dialect in this process."""
    registry.register("duckdb", __name__, "BufferedDialect")
