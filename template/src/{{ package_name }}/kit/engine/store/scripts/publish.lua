#!lua
-- Publish a job unless one with the same id is waiting or running.
--
-- KEYS: job hash, queue list, set of queues, results stream,
--       failed, finished, canceled and scheduled registries, hash of the queue's running ids
-- ARGV: job id, seconds until it may run or '' for now, queue key, what worker keys start with,
--       field, value, ...
--
-- Returns 1 when the job is published, 0 when its id is taken. A job that has ended, done or
-- failed, gives its id free: its remains are removed in the same step, but for the checkpoint of
-- one that failed. One that was canceled or
-- deleted while it ran keeps it until it has ended, or its worker is gone.
-- include time.lua
local status = redis.call('HGET', KEYS[1], 'status')
if status and status ~= 'finished' and status ~= 'failed'
    and status ~= 'stopped' and status ~= 'canceled' then
  return 0
end
if not status or status == 'canceled' then
  local holder = redis.call('HGET', KEYS[9], ARGV[1])
  if holder then
    local worker = string.match(holder, '^%S+ (.*)$')
    if worker and redis.call('EXISTS', ARGV[4] .. worker) == 1 then return 0 end
    redis.call('HDEL', KEYS[9], ARGV[1])
  end
end
local checkpoint = status == 'failed' and redis.call('HGET', KEYS[1], 'checkpoint')
if status then
  redis.call('DEL', KEYS[1], KEYS[4])
  redis.call('ZREM', KEYS[5], ARGV[1])
  redis.call('ZREM', KEYS[6], ARGV[1])
  redis.call('ZREM', KEYS[7], ARGV[1])
end
redis.call('HSET', KEYS[1], unpack(ARGV, 5))
redis.call('HSET', KEYS[1], 'created_at', now_text)
if checkpoint then redis.call('HSET', KEYS[1], 'checkpoint', checkpoint) end
redis.call('SADD', KEYS[3], ARGV[3])
if ARGV[2] == '' then
  redis.call('HSET', KEYS[1], 'enqueued_at', now_text)
  redis.call('RPUSH', KEYS[2], ARGV[1])
else
  redis.call('ZADD', KEYS[8], string.format('%.6f', now + tonumber(ARGV[2])), ARGV[1])
end
return 1
