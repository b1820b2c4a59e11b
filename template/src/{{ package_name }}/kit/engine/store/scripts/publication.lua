-- publish(head, ids, data): publish jobs of one queue, each unless a job with its id is waiting or
-- running. See publish.lua. Needs time.lua.
local WEEK = 604800  -- seconds
local ENDED = {finished = true, failed = true, stopped = true, canceled = true}

-- Whether a worker that lives still runs a job whose hash is gone or canceled.
local function is_held(pre, running, id, holder)
  local worker = string.match(holder, '^%S+ (.*)$')
  if worker and redis.call('EXISTS', pre .. 'worker:' .. worker) == 1 then return true end
  redis.call('HDEL', running, id)
  return false
end

-- The jobs among `after` that have not succeeded. One that is gone counts as done.
local function unfinished(pre, after)
  local found = {}
  for _, parent in ipairs(after) do
    local status = redis.call('HGET', pre .. 'job:' .. parent, 'status')
    if status and status ~= 'finished' then table.insert(found, parent) end
  end
  return found
end

-- RQ's own layout: what a job waits for, and what waits for a job.
local function defer(pre, queue, after, ids)
  for _, id in ipairs(ids) do
    redis.call('SADD', pre .. 'job::' .. id .. ':dependencies', unpack(after))
    for _, parent in ipairs(after) do
      redis.call('SADD', pre .. 'job:' .. parent .. ':dependents', id)
    end
    redis.call('ZADD', pre .. 'deferred:' .. queue, now, id)
  end
end

-- The job may have ended in another queue.
local function clear_remains(pre, queue, id)
  local key = pre .. 'job:' .. id
  local origin = redis.call('HGET', key, 'origin') or queue
  redis.call('DEL', key, pre .. 'results:' .. id, pre .. 'job::' .. id .. ':dependencies')
  for _, registry in ipairs({'failed:', 'finished:', 'canceled:'}) do
    redis.call('ZREM', pre .. registry .. origin, id)
  end
end

local function put_in_line(p, state, ids)
  local pre, queue = p.prefix, p.queue
  redis.call('SADD', pre .. 'queues', pre .. 'queue:' .. queue)
  if state == 'deferred' then
    defer(pre, queue, p.after, ids)
  elseif state == 'scheduled' then
    local due = string.format('%.6f', now + p.delay)
    local entries = {}
    for _, id in ipairs(ids) do
      table.insert(entries, due)
      table.insert(entries, id)
    end
    redis.call('ZADD', pre .. 'scheduled:' .. queue, unpack(entries))
  elseif p.atFront then
    local last_first = {}
    for i = #ids, 1, -1 do table.insert(last_first, ids[i]) end
    redis.call('LPUSH', pre .. 'queue:' .. queue, unpack(last_first))
  else
    redis.call('RPUSH', pre .. 'queue:' .. queue, unpack(ids))
  end
end

local function publish(p, ids, data)
  local pre, queue = p.prefix, p.queue
  local state = 'queued'
  if p.after and #unfinished(pre, p.after) > 0 then
    state = 'deferred'
  elseif p.delay then
    state = 'scheduled'
  end

  local shared = {'created_at', now_text, 'status', state}
  local function share(field, text)
    table.insert(shared, field)
    table.insert(shared, text)
  end
  for field, text in pairs(p.fields) do share(field, text) end
  if p.atFront then share('enqueue_at_front', '1') end
  if p.after then
    share('dependency_id', p.after[1])
    share('dependency_ids', cjson.encode(p.after))
  end
  if state == 'queued' then share('enqueued_at', now_text) end

  local running = pre .. 'running:' .. queue
  local holders = redis.call('HMGET', running, unpack(ids))
  local codes, published, marks = {}, {}, {}
  for i, id in ipairs(ids) do
    local key = pre .. 'job:' .. id
    local status = redis.call('HGET', key, 'status')
    local free = not status or ENDED[status]
    if free and holders[i] and (not status or status == 'canceled') then
      free = not is_held(pre, running, id, holders[i])
    end
    local once = p.once and pre .. 'once:' .. queue .. ':' .. p.once[i]
    local before = once and redis.call('EXISTS', once) == 1
    codes[i] = before and 2 or free and 1 or 0
    if codes[i] == 1 then
      if once then table.insert(marks, once) end
      local checkpoint = status == 'failed' and redis.call('HGET', key, 'checkpoint')
      if status then clear_remains(pre, queue, id) end
      redis.call('HSET', key, 'data', data[i], unpack(shared))
      if checkpoint then redis.call('HSET', key, 'checkpoint', checkpoint) end
      table.insert(published, id)
    end
  end
  if #published > 0 then put_in_line(p, state, published) end
  for _, once in ipairs(marks) do redis.call('SET', once, '', 'EX', WEEK) end
  return codes
end
