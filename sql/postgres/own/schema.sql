-- has_migrations --
-- Whether any migration was ever applied here.
SELECT 1 WHERE to_regclass('skill_migrations') IS NOT NULL;

-- children_of_skills --
-- Every table and column that references skill_metrics, those of later versions included.
SELECT c.conrelid::regclass::text AS table_name, a.attname AS column_name
FROM pg_constraint AS c
INNER JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.contype = 'f' AND c.confrelid = 'skill_metrics'::regclass
ORDER BY 1, 2;

-- tables_to_clear --
-- Every table but the record of what was migrated and of what must stay forgotten.
SELECT tablename FROM pg_tables
WHERE schemaname = current_schema() AND tablename NOT IN ('skill_migrations', 'forgotten')
ORDER BY tablename;

-- homes_but_this --
-- How many other homes fold into this store.
SELECT count(*) FROM folding_home WHERE home <> $home;

-- rights --
-- Whether this user owns the schema, or could make it; and whether they may fold.
SELECT
    CASE
        WHEN to_regclass('skill_metrics') IS NULL THEN has_schema_privilege(current_schema(), 'CREATE')
        ELSE pg_has_role((SELECT relowner FROM pg_class WHERE oid = to_regclass('skill_metrics')), 'USAGE')
    END AS is_owner,
    CASE
        WHEN to_regclass('skill_metrics') IS NULL THEN FALSE
        ELSE has_table_privilege(to_regclass('skill_metrics'), 'UPDATE')
    END AS is_writer;

-- newest_migration --
-- The schema version, which may have changed while a leader runs.
SELECT max(version) FROM skill_migrations;
