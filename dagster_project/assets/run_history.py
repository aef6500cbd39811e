"""Dagster's event log as it lies in SQLite, over connections that stay open.

Dagster's own opens a database anew for every event, and flushes it. A range of months has
thousands of events, one per asset and month, so that took longer than building them. The files are
the same: `dagster dev` reads them. Not every event is flushed to the disk; the history may lose
its end when the machine loses power, and nothing else depends on it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData

MODULE, CLASS = __name__, "RunHistory"


class RunHistory(SqliteEventLogStorage):
    """Event log storage of the command line's own runs."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._open: dict[str, sa.Connection] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "RunHistory":
        """Return the storage that an instance's configuration describes."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        if shard not in self._open:
            with super()._connect(shard):
                pass  # brings the tables into being
        with self._db_lock:
            if shard not in self._open:
                self._open[shard] = self._opened(shard)
            with self._open[shard].begin():
                yield self._open[shard]

    def _opened(self, shard: str) -> sa.Connection:
        engine = sa.create_engine(
            self.conn_string_for_shard(shard),
            poolclass=sa.NullPool,
            connect_args={"timeout": 60, "check_same_thread": False},
        )
        connection = engine.connect()
        connection.exec_driver_sql("pragma synchronous = normal")
        connection.commit()
        return connection

    def dispose(self) -> None:
        """Close every connection."""
        with self._db_lock:
            while self._open:
                self._open.popitem()[1].close()
        super().dispose()
