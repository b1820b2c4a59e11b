#!lua
-- Is this delivery still ours? If so the worker's lease is renewed in the same step, so that
-- nobody can take the job over meanwhile, and what the job wants kept is written into its hash.
--
-- KEYS: started registry, worker hash, job hash
-- ARGV: job:execution, lease in seconds; then, for a job that runs: a field ('' for none), its value,
--       '1' where the job has come further: it is not what brought its workers down
--
-- Returns 0 when another worker has it, or a job that wants something kept was canceled.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
redis.call('EXPIRE', KEYS[2], ARGV[2])
if ARGV[3] then
  if redis.call('HGET', KEYS[3], 'status') ~= 'started' then return 0 end
  if ARGV[3] ~= '' then redis.call('HSET', KEYS[3], ARGV[3], ARGV[4]) end
  if ARGV[5] == '1' then redis.call('HDEL', KEYS[3], 'interruptions') end
end
return 1
