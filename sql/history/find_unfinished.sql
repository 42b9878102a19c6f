-- Find indexes of these names that are not valid: what a build that was interrupted has left behind.
-- Locks: nothing.
-- Again: finds them again until they are built anew.
select n.name
from unnest(%(names)s::text[]) as n (name)
inner join pg_index as i on to_regclass(n.name) = i.indexrelid
where not i.indisvalid
order by n.name
