#!lua
-- Publish a job unless one with the same id is waiting or running.
--
-- KEYS: job hash, queue list, set of queues, results stream,
--       failed, finished, canceled and scheduled registries
-- ARGV: job id, score in the scheduled registry or '' for now, queue key, field, value, ...
--
-- Returns 1 when the job is published, 0 when its id is taken. A job that has ended, done or
-- failed, gives its id free: its remains are removed in the same step.
local status = redis.call('HGET', KEYS[1], 'status')
if status and status ~= 'finished' and status ~= 'failed'
    and status ~= 'stopped' and status ~= 'canceled' then
  return 0
end
if status then
  redis.call('DEL', KEYS[1], KEYS[4])
  redis.call('ZREM', KEYS[5], ARGV[1])
  redis.call('ZREM', KEYS[6], ARGV[1])
  redis.call('ZREM', KEYS[7], ARGV[1])
end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('SADD', KEYS[3], ARGV[3])
if ARGV[2] == '' then
  redis.call('RPUSH', KEYS[2], ARGV[1])
else
  redis.call('ZADD', KEYS[8], ARGV[2], ARGV[1])
end
return 1
