#!lua
-- Put running jobs back at the front of their queue: a drain's leftovers, or a dead worker's.
--
-- ARGV[1] is a JSON object:
--   prefix, entries (list of {queue, job, execution, worker})
--   dead    true: the entries belong to workers believed dead, which is checked again here;
--           each such delivery is counted
--   limit   how many deliveries may end with their worker's death before the job is failed.
--           Which of several jobs brought the worker down nobody knows: a job is failed only when
--           it was alone there. Until then it is queued again, and runs alone (see the worker)
--   certain true: the workers are gone for so long that a job may be failed, or taken from its
--           worker although it has held up a living one before
--   heir    name of the worker that takes over a job whose limit is reached
--
-- Returns a code per entry: 1 queued again, 0 nothing to do (owned by somebody else, ended,
-- or its worker is alive), 2 limit reached: the entry now belongs to the heir, who must fail it,
-- 3 the job was deleted.
-- include time.lua
local p = cjson.decode(ARGV[1])
local pre = p.prefix
local call = redis.call
local codes = {}
local alone = {}  -- worker -> whether it held one job only
for _, entry in ipairs(p.entries) do
  if alone[entry.worker] == nil then
    local held = call('SCARD', pre .. ':worker:' .. entry.worker .. ':executions')
    alone[entry.worker] = held <= 1
  end
end

local function release(e)
  local entry = e.job .. ':' .. e.execution
  local started = pre .. ':wip:' .. e.queue
  local key = pre .. ':job:' .. e.job
  local worker_key = pre .. ':worker:' .. e.worker
  local ids_key = pre .. ':running:' .. e.queue
  if p.dead and e.worker ~= '' and call('EXISTS', worker_key) == 1
      and call('HEXISTS', worker_key, 'death') == 0 then
    return 0
  end
  local record = pre .. ':execution:' .. entry
  if not call('ZSCORE', started, entry) then
    call('SREM', worker_key .. ':executions', entry)
    if call('HGET', ids_key, e.job) ~= e.execution .. ' ' .. e.worker then return 0 end
    call('HDEL', ids_key, e.job)  -- deleted or canceled while it ran
    call('DEL', record)
    call('ZREM', pre .. ':executions:' .. e.job, e.execution)
    return 3
  end
  if p.dead then
    local owner = call('HGET', record, 'worker_name')
    if owner and owner ~= e.worker then return 0 end  -- another replica was first
  end
  -- Canceled, stopped or deleted while it ran: only the traces are cleared.
  local runnable = call('HGET', key, 'status') == 'started'
  if p.dead and runnable then
    local lost = (tonumber(call('HGET', key, 'interruptions') or '') or 0) + 1
    local guilty = lost >= p.limit and alone[e.worker]
    if (guilty or call('HEXISTS', key, 'held_up') == 1) and not p.certain then return 0 end
    call('HSET', key, 'interruptions', lost)
    if guilty then
      call('HSET', ids_key, e.job, e.execution .. ' ' .. p.heir)
      call('SREM', worker_key .. ':executions', entry)
      call('SADD', pre .. ':worker:' .. p.heir .. ':executions', entry)
      call('HSET', record, 'worker_name', p.heir)
      return 2
    end
  end
  call('ZREM', started, entry)
  call('DEL', record)
  call('ZREM', pre .. ':executions:' .. e.job, e.execution)
  call('SREM', worker_key .. ':executions', entry)
  if call('HGET', ids_key, e.job) == e.execution .. ' ' .. e.worker then
    call('HDEL', ids_key, e.job)
  end
  if not runnable then return p.dead and 3 or 0 end
  call('HSET', key, 'status', 'queued', 'enqueued_at', now_text)
  local ttl = tonumber(call('HGET', key, 'ttl') or '')
  if ttl and ttl > 0 then call('EXPIRE', key, math.ceil(ttl)) end
  call('LPUSH', pre .. ':queue:' .. e.queue, e.job)
  return 1
end

for i, entry in ipairs(p.entries) do codes[i] = release(entry) end
return codes
