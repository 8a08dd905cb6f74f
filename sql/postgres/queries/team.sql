-- make_roles --
-- The two roles that members are given; nobody logs in as one of them.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'session_buddy_reader') THEN
        CREATE ROLE session_buddy_reader NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'session_buddy_writer') THEN
        CREATE ROLE session_buddy_writer NOLOGIN;
    END IF;
END
$$;

-- grant_roles --
-- What a reader and a writer may do, and no more: a reader writes nothing, and nobody reads another's queries.
DO $$
DECLARE
    found RECORD;
    columns TEXT;
BEGIN
    EXECUTE format(
        'GRANT CONNECT, TEMPORARY ON DATABASE %I TO session_buddy_reader, session_buddy_writer', current_database()
    );
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO session_buddy_reader, session_buddy_writer', current_schema());
    -- A database from before PostgreSQL 15 lets everybody put functions where others look for theirs.
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', current_schema());
    FOR found IN
        SELECT c.relname, c.relkind, c.relispartition FROM pg_class AS c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v')
    LOOP
        EXECUTE format(
            'REVOKE ALL ON %I FROM PUBLIC, session_buddy_reader, session_buddy_writer', found.relname
        );
        -- A partition is read and written through its table, which hides what it has to.
        CONTINUE WHEN found.relispartition;
        IF found.relname IN ('own_event', 'own_invocation') THEN
            -- Else a condition of the reader's own may be asked first, and sees, or says in an error, what is others'.
            EXECUTE format('ALTER VIEW %I SET (security_barrier = TRUE)', found.relname);
            EXECUTE format('GRANT SELECT ON %I TO session_buddy_writer', found.relname);
        ELSIF found.relname = 'forgotten' THEN
            EXECUTE format('GRANT SELECT ON %I TO session_buddy_writer', found.relname);
        ELSIF found.relname IN ('skill_event', 'skill_invocation') THEN
            SELECT string_agg(quote_ident(a.attname), ', ') INTO columns
            FROM pg_attribute AS a
            WHERE
                a.attrelid = found.relname::regclass
                AND a.attnum > 0
                AND NOT a.attisdropped
                AND a.attname NOT IN ('query_text', 'query_hash');
            EXECUTE format(
                'GRANT SELECT (%s) ON %I TO session_buddy_reader, session_buddy_writer', columns, found.relname
            );
        ELSE
            EXECUTE format('GRANT SELECT ON %I TO session_buddy_reader, session_buddy_writer', found.relname);
        END IF;
        IF found.relkind <> 'v' AND found.relname <> 'skill_migrations' THEN
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %I TO session_buddy_writer', found.relname);
        END IF;
    END LOOP;
END
$$;

-- tune_database --
-- What suits many short questions, where nobody chose otherwise: compiling a plan takes longer than most of ours run, and a week of uses is sorted in more than 4 MB. Left as it is if the database is somebody else's. What a turn sets for itself is no choice: the value that a reset would bring back is.
DO $$
BEGIN
    IF (SELECT reset_val FROM pg_settings WHERE name = 'jit') = 'on' THEN
        EXECUTE format('ALTER DATABASE %I SET jit = off', current_database());
    END IF;
    IF (SELECT reset_val FROM pg_settings WHERE name = 'work_mem') = '4096' THEN
        EXECUTE format('ALTER DATABASE %I SET work_mem = %L', current_database(), '16MB');
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN NULL;
END
$$;

-- role_exists --
-- Whether there is a role of that name.
SELECT 1 FROM pg_roles WHERE rolname = $role_name;

-- team_status --
-- The server, the user, and what is stored for whom.
SELECT
    current_setting('server_version') AS server_version,
    current_user AS user_name,
    CASE
        WHEN to_regclass('skill_metrics') IS NULL THEN 'none yet'
        WHEN pg_has_role((SELECT relowner FROM pg_class WHERE oid = to_regclass('skill_metrics')), 'USAGE') THEN 'owner'
        WHEN has_table_privilege(to_regclass('skill_metrics'), 'UPDATE') THEN 'writer'
        WHEN has_table_privilege(to_regclass('skill_metrics'), 'SELECT') THEN 'reader'
        ELSE 'none'
    END AS role,
    pg_database_size(current_database()) AS bytes,
    coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), FALSE) AS encrypted;

-- homes --
-- How many machines fold into the store, and users who used a skill.
SELECT
    (SELECT count(*) FROM folding_home) AS homes,
    (SELECT count(DISTINCT user_id) FROM skill_user_interactions WHERE invocation_count > 0) AS users;

-- own_history --
-- Everything that this member said, oldest first.
SELECT * FROM own_event ORDER BY occurred_at, id;

-- own_session_history --
-- The beginnings and ends of this member's sessions.
SELECT id, kind, session_id, occurred_at, agent, project, user_id, reason
FROM session_event
WHERE written_by = current_user
ORDER BY occurred_at, id;
