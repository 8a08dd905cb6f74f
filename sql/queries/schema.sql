-- has_migrations --
-- Whether any migration was ever applied here.
SELECT 1 FROM duckdb_tables() WHERE schema_name = 'main' AND table_name = 'skill_migrations' AND NOT temporary;

-- applied_migrations --
-- What was applied, and from which files.
SELECT version, name, checksum, applied_at FROM skill_migrations ORDER BY version;

-- record_migration --
-- One schema version was reached.
INSERT INTO skill_migrations (version, name, checksum, applied_at)
VALUES ($version, $name, $checksum, $applied_at);

-- unrecord_migration --
-- One schema version is being left.
DELETE FROM skill_migrations WHERE version = $version;

-- children_of_skills --
-- Every table and column that references skill_metrics, those of later versions included.
SELECT table_name, constraint_column_names[1] AS column_name
FROM duckdb_constraints()
WHERE constraint_type = 'FOREIGN KEY' AND referenced_table = 'skill_metrics'
ORDER BY table_name, column_name;
