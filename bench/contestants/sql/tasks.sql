-- List the tasks that a queue is to carry: of every batch the first, then of every batch the second, …, so that all
-- customers are served and no two neighbours wait for the same row of batches.
select id, prompt from tasks order by batch_index, batch_id
