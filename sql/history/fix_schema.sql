-- Fix the session to the schema in which it makes tables, and let no temporary table hide one of ours. The functions
-- that migrations make remember this path, whoever calls them.
-- Locks: nothing.
-- Again: fixes the same schema.
select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', false) as search_path
where current_schema() is not null
