#!lua
-- Publish jobs on one queue, each unless a job with its id is waiting or running.
--
-- ARGV[1] is a JSON object:
--   prefix   what every key starts with, `rq:`
--   queue    name of the queue
--   fields   what every job's hash gets, names and texts; status and times are written here
--   delay    seconds until the jobs may run; left out for now
--   atFront  true: before all that wait
--   after    ids of jobs that must have succeeded first; one that is gone counts as done
--   once     a text per job, for a publisher that may repeat itself after any time: a job that was
--            published under its text in the last week is not published again, even if it has ended
-- ARGV[2], ARGV[3], ...: id and `data` of each job, at most 1000 of them.
--
-- Returns a number per job: 1 it is published, 0 its id is taken, 2 it was published before. A job
-- that has ended, done or failed, gives its id free: its remains are removed in the same step, but
-- for the checkpoint of one that failed. One that was canceled or deleted while it ran keeps it
-- until it has ended, or its worker is gone.
-- include time.lua
-- include publication.lua
local ids, data = {}, {}
for i = 2, #ARGV, 2 do
  table.insert(ids, ARGV[i])
  table.insert(data, ARGV[i + 1])
end
return publish(cjson.decode(ARGV[1]), ids, data)
