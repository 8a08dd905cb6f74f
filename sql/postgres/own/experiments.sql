-- insert_exposures --
-- Suggestions that were made in a group of an experiment that is in the record.
INSERT INTO ab_test_exposures (exposure_id, test_name, unit_id, group_name, session_id, exposed_at)
SELECT r.exposure_id, c.test_name, r.unit_id, r.group_name, r.session_id, r.exposed_at
FROM
    (SELECT unnest(string_to_array($rows, chr(10))) AS line) AS lines
CROSS JOIN LATERAL json_to_record(CAST(lines.line AS JSON)) AS r(
    exposure_id UUID, test_name TEXT, unit_id TEXT, group_name TEXT, session_id TEXT, exposed_at TIMESTAMP
)
INNER JOIN ab_test_configs AS c ON c.test_name = r.test_name
WHERE lines.line <> ''
ON CONFLICT (exposure_id) DO NOTHING;

-- insert_assignments --
-- The group of each unit, from its first exposure.
INSERT INTO ab_test_assignments (test_name, unit_id, group_name, strategy, propensity, assigned_at)
SELECT DISTINCT ON (r.test_name, r.unit_id)
    c.test_name, r.unit_id, r.group_name, r.strategy, r.propensity, r.assigned_at
FROM
    (SELECT unnest(string_to_array($rows, chr(10))) AS line) AS lines
CROSS JOIN LATERAL json_to_record(CAST(lines.line AS JSON)) AS r(
    test_name TEXT, unit_id TEXT, group_name TEXT, strategy TEXT, propensity DOUBLE PRECISION, assigned_at TIMESTAMP
)
INNER JOIN ab_test_configs AS c ON c.test_name = r.test_name
WHERE lines.line <> ''
ORDER BY r.test_name, r.unit_id, r.assigned_at
ON CONFLICT (test_name, unit_id) DO NOTHING;
