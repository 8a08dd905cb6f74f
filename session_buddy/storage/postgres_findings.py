"""What is learned of a team's record: any member may bring it up to date, and one does for all."""

import threading
from datetime import datetime, timedelta

from session_buddy.storage import learning, rows
from session_buddy.storage.findings import StoredFindings
from session_buddy.storage.postgres_database import PostgresDatabase, named
from session_buddy.storage.queries import sql


class PostgresFindings(StoredFindings):
    """The tables of what is learned; what any machine folded has to be learned."""

    def __init__(self, database: PostgresDatabase, writing: threading.RLock) -> None:
        """writing: the lock under which anybody of this process writes."""
        super().__init__(database, writing)
        self._server = database
        self.may_write = True

    def learn(self) -> bool:
        """Bring the roll-ups up to what is folded; who may only read leaves that to the others."""
        if not self.may_write or not self._server.rows(sql("has_changes")):
            return False
        with self._writing, self._server.transaction() as connection:
            connection.run("unstage_changes")
            return learning.learn(connection)

    def baselines_due(self, at: datetime, age: timedelta) -> bool:
        """False where another machine made them so shortly before, or this member may only read."""
        asked = {"since": rows.naive(at - age), "until": rows.naive(at + age)}
        fresh = self._server.rows(named("has_fresh_baselines"), asked)
        return self.may_write and not fresh
