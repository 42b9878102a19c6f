-- Say how large tables are: their rows as last counted by the server (null: never), and their bytes with all indexes.
-- Locks: these tables, against nobody but who alters them.
-- Again: measures them again.
select
    n.name,
    case when c.reltuples >= 0 then c.reltuples::bigint end as row_count,
    pg_total_relation_size(c.oid) as size_bytes
from unnest(%(names)s::text[]) as n (name)
inner join pg_class as c on to_regclass(n.name) = c.oid
order by n.name
