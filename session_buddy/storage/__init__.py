"""Where the derived tables live: DuckDB behind `SkillsStorageProtocol`."""
