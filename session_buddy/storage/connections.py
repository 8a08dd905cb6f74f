"""What the code that is common to all databases needs of one."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from session_buddy.models.values import Connections

Done = TypeVar("Done")


class Result(Protocol):
    """What a statement gave."""

    @property
    def description(self) -> Sequence[Any] | None:
        """A sequence for each column, its name first."""

    def fetchall(self) -> list[Any]:
        """All rows that are left; of a changing statement one row, how many rows it changed."""

    def fetchmany(self, size: int) -> list[Any]:
        """The next rows."""


class Connection(Protocol):
    """Runs statements; a named one of `queries.sql` in the database's own dialect."""

    def execute(self, query: str, parameters: Mapping[str, object] | None = None) -> Result:
        """Run one statement; `$name` in it stands for the parameter `name`."""


class OpenDatabase(Protocol):
    """Reading is for any thread, writing for one at a time."""

    @property
    def path(self) -> str:
        """Where it is, as messages name it; without any secret."""

    def rows(self, statement: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a statement, read by this thread."""

    def records(self, statement: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """The same with the columns' names."""

    def transaction(self) -> AbstractContextManager[Connection]:
        """A connection that writes: committed if the block ends, rolled back if it raises."""

    def with_enough_memory(self, work: Callable[[], Done]) -> Done:
        """What `work` returns; done again with more memory as long as it was too little and there is more."""

    def snapshot(self) -> AbstractContextManager[Connection]:
        """A connection for one long reading, which sees everything as it was when it began."""

    def connections(self) -> Connections:
        """How many connections are at work now, and how many there may be; runs nothing."""
