"""A store whose schema can be moved between versions."""

from typing import Protocol

from session_buddy.models.protocols import SkillsStorageProtocol


class VersionedStore(SkillsStorageProtocol, Protocol):
    """What `migrate` needs beyond what everybody does."""

    def open_as_it_is(self) -> None:
        """Open without migrating, for looking at schema versions and moving between them."""

    def migrate(self, version: int | None = None) -> None:
        """Move to a schema version, by default the newest."""
