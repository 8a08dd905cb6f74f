-- memory_limit --
-- What a database may use of memory, as text: "152.5 MiB".
SELECT current_setting('memory_limit');
