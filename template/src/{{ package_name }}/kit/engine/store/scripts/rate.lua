#!lua
-- May a job start now, at a rate that all replicas share? If not, reserve a time for it.
--
-- KEYS: the rate's clocks, the job's hash      ARGV: seconds between two starts
--
-- Two clocks: `free` is the next time that can be reserved, `start` the earliest next real
-- start. Reservations spread a backlog; the second clock alone keeps the rate, so that jobs
-- which come back late, because the workers were busy or down, cannot burst. It forgives one
-- interval, for a job that comes some thousandths of a second early.
--
-- Returns the seconds that it has to wait as text: 0 when it may start.
-- include time.lua
local interval = tonumber(ARGV[1])
local clocks = redis.call('HMGET', KEYS[1], 'free', 'start')
local free, start = tonumber(clocks[1] or '0'), tonumber(clocks[2] or '0')
local reserved = tonumber(redis.call('HGET', KEYS[2], 'reserved') or '')
local turn = free <= now
if reserved then turn = reserved - 0.01 <= now end

local answer = '0'
if turn and start - interval <= now then
  if reserved then
    redis.call('HDEL', KEYS[2], 'reserved')
  else
    free = math.max(free, now) + interval
  end
  start = math.max(start, now) + interval
else
  local time = math.max(free, now, start - interval)
  free = time + interval
  answer = string.format('%.6f', math.max(time - now, 0.000001))
  if redis.call('EXISTS', KEYS[2]) == 1 then
    redis.call('HSET', KEYS[2], 'reserved', string.format('%.6f', time))
  end
end
redis.call('HSET', KEYS[1], 'free', string.format('%.6f', free), 'start', string.format('%.6f', start))
redis.call('PEXPIRE', KEYS[1], math.ceil((math.max(free, start) - now) * 1000) + 60000)
return answer
