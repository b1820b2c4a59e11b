#!lua
-- Publish jobs on one queue, each unless a job with its id is waiting or running.
--
-- ARGV[1] is a JSON object:
--   prefix   what every key starts with, `rq:`
--   queue    name of the queue
--   fields   what every job's hash gets, names and texts; what stands there is written below
--   delay    seconds until the jobs may run; left out for now
--   atFront  true: before all that wait
-- ARGV[2], ARGV[3], ...: id and `data` of each job, at most 1000 of them.
--
-- Returns a number per job: 1 it is published, 0 its id is taken. A job that has ended, done or
-- failed, gives its id free: its remains are removed in the same step, but for the checkpoint of
-- one that failed. One that was canceled or
-- deleted while it ran keeps it until it has ended, or its worker is gone.
-- include time.lua
local p = cjson.decode(ARGV[1])
local call = redis.call
local pre, queue = p.prefix, p.queue
local ids, data = {}, {}
for i = 2, #ARGV, 2 do
  table.insert(ids, ARGV[i])
  table.insert(data, ARGV[i + 1])
end

local shared = {'created_at', now_text}
for field, text in pairs(p.fields) do
  table.insert(shared, field)
  table.insert(shared, text)
end
local function share(field, text)
  table.insert(shared, field)
  table.insert(shared, text)
end
if p.atFront then share('enqueue_at_front', '1') end
if p.delay then
  share('status', 'scheduled')
else
  share('status', 'queued')
  share('enqueued_at', now_text)
end

local ENDED = {finished = true, failed = true, stopped = true, canceled = true}
local running = pre .. 'running:' .. queue
local holders = call('HMGET', running, unpack(ids))

-- Whether a worker that lives still runs a job whose hash is gone or canceled.
local function is_held(id, holder)
  local worker = string.match(holder, '^%S+ (.*)$')
  if worker and call('EXISTS', pre .. 'worker:' .. worker) == 1 then return true end
  call('HDEL', running, id)
  return false
end

local codes, published = {}, {}
for i, id in ipairs(ids) do
  local key = pre .. 'job:' .. id
  local status = call('HGET', key, 'status')
  local free = not status or ENDED[status]
  if free and holders[i] and (not status or status == 'canceled') then
    free = not is_held(id, holders[i])
  end
  codes[i] = free and 1 or 0
  if free then
    local checkpoint = status == 'failed' and call('HGET', key, 'checkpoint')
    if status then
      call('DEL', key, pre .. 'results:' .. id)
      for _, registry in ipairs({'failed:', 'finished:', 'canceled:'}) do
        call('ZREM', pre .. registry .. queue, id)
      end
    end
    call('HSET', key, 'data', data[i], unpack(shared))
    if checkpoint then call('HSET', key, 'checkpoint', checkpoint) end
    table.insert(published, id)
  end
end

if #published > 0 then
  call('SADD', pre .. 'queues', pre .. 'queue:' .. queue)
  if p.delay then
    local due = string.format('%.6f', now + p.delay)
    local entries = {}
    for _, id in ipairs(published) do
      table.insert(entries, due)
      table.insert(entries, id)
    end
    call('ZADD', pre .. 'scheduled:' .. queue, unpack(entries))
  elseif p.atFront then
    local last_first = {}
    for i = #published, 1, -1 do table.insert(last_first, published[i]) end
    call('LPUSH', pre .. 'queue:' .. queue, unpack(last_first))
  else
    call('RPUSH', pre .. 'queue:' .. queue, unpack(published))
  end
end
return codes
