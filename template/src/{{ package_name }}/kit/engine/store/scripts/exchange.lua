#!lua
-- One trip of a worker to Redis: hand in the outcomes of finished jobs, take new jobs.
--
-- ARGV[1] is a JSON object:
--   prefix, worker
--   outcomes  of jobs that returned, each a list: queue, job, execution, ttl, start and end as
--             seconds, end in RQ's time format, return value (null for none), key ('' for none),
--             its last progress ('' for none, null where the job left no traces that concern
--             unfinished jobs only), and the jobs that it publishes, each a list: what publish.lua
--             takes first, id, data
--   seconds   how long those jobs ran in all
--   queues    names of the queues, most important first
--   turns     what the trip before returned, see turns.lua; share: how many jobs make a round
--   free      how many jobs to take
--   over      deliveries that ended in another way, each a list: queue, job,
--             execution, key ('' for none)
--   orders    which jobs have a key, and read: keys that the worker has read, see read_key.lua;
--             null when no processor keeps an order
--   first     number of the first execution id to hand out; token: what the ids start with
--   promote   whether delayed jobs that are due are moved to their queue
--
-- Returns {codes, jobs, suspended, limited, due, turns, more, unread, now, now_text}:
--   codes     per outcome: 1 stored, 0 not ours any more (dropped)
--   jobs      list of {queue, execution, job, hash} now owned by the worker
--   suspended 1 when `rq suspend` holds (nothing is taken then)
--   due       seconds until the next delayed job as text, '' when there is none or it was not asked
--   more      1 when the next trip may take jobs that this one could not, at once
--   unread    {job, data} of waiting jobs whose keys the worker must read
--   limited   {queue, job} of due jobs under RQ's RateLimit, which RQ's own code must move
--
-- The entry `job:execution` in the started registry is the token of ownership: whoever
-- removes it may write the outcome. No other tool may call it abandoned, however long the job
-- runs and whatever their clocks say: our workers look for the jobs of dead workers (release.lua).
-- include time.lua
-- include publication.lua
local p = cjson.decode(ARGV[1])
local pre = p.prefix
local call = redis.call
local worker_key = pre .. ':worker:' .. p.worker
local running_key = worker_key .. ':executions'
local ids_key = pre .. ':running:'  -- .. queue: job -> execution and worker
local forever = 86400 * 365  -- seconds that the records of a delivery outlive it at most

-- What one command can do for many jobs is done at the end of a batch: a call from Lua costs
-- more than most commands. A batch is no longer than what `unpack` can hold.
local batch = 500
local ended, records, ids, keys = {}, {}, {}, {}

-- include order.lua
local function end_key(queue, key, job, known)
  if key == '' then return end
  if not keys[queue] then keys[queue] = {} end
  table.insert(keys[queue], {key, job, known})
end

local function forget_ended()
  for queue, held in pairs(keys) do pass_on(queue, held) end
  keys = {}
  if #ended == 0 then return end
  call('SREM', running_key, unpack(ended))
  call('DEL', unpack(records))
  for queue, jobs in pairs(ids) do call('HDEL', ids_key .. queue, unpack(jobs)) end
  ended, records, ids = {}, {}, {}
end

-- The job's id is free again, unless another delivery of the job has it.
local function free_id(queue, job, execution)
  if call('HGET', ids_key .. queue, job) == execution .. ' ' .. p.worker then
    call('HDEL', ids_key .. queue, job)
  end
end

-- The job was given to another worker because this one looked dead. It was not: that does not count,
-- once, and the other one gets more time (see release.lua). Else a job that holds the interpreter
-- for longer than the lease would go from worker to worker for ever.
local function take_back_suspicion(key)
  if (tonumber(call('HGET', key, 'interruptions') or '') or 0) > 0
      and call('HSETNX', key, 'held_up', 1) == 1 then
    call('HINCRBY', key, 'interruptions', -1)
  end
end

local function keep_result(o, key, results)
  local queue, job, execution, ttl, began, over, over_text, value, _, progress = unpack(o, 1, 10)
  if ttl == 0 then
    call('DEL', key, pre .. ':job::' .. job .. ':dependencies', results)
    return
  end
  -- A job deleted while it ran stays deleted.
  if call('EXISTS', key) == 0 then return end
  call('HSET', key, 'status', 'finished', 'ended_at', over_text, 'last_heartbeat', over_text)
  if progress and progress ~= cjson.null then
    call('HDEL', key, 'checkpoint', 'snoozes')
    if progress ~= '' then call('HSET', key, 'progress', progress) end
  end
  local fields = {'type', 1, 'worker_name', p.worker, 'execution_id', execution,
    'execution_started_at', began, 'execution_ended_at', over}
  if value ~= cjson.null then
    table.insert(fields, 'return_value')
    table.insert(fields, value)
  end
  call('XADD', results, 'MAXLEN', '~', 10, '*', unpack(fields))
  if ttl > 0 then
    call('EXPIRE', key, ttl)
    call('EXPIRE', results, ttl)
    call('ZADD', pre .. ':finished:' .. queue, now + ttl, job)
  else
    call('PERSIST', results)
    call('ZADD', pre .. ':finished:' .. queue, '+inf', job)
  end
end

local function is_due(child, allow_failures)
  local parents = call('SMEMBERS', pre .. ':job::' .. child .. ':dependencies')
  for _, parent in ipairs(unfinished(pre .. ':', parents)) do
    local failed = call('HGET', pre .. ':job:' .. parent, 'status') == 'failed'
    if not (failed and allow_failures) then return false end
  end
  return true
end

-- What waited for this job, and waits for no other one, may run.
local function release_dependents(job, ttl)
  local dependents = pre .. ':job:' .. job .. ':dependents'
  local children = call('SMEMBERS', dependents)
  if #children == 0 then return end
  for _, child in ipairs(children) do
    local key = pre .. ':job:' .. child
    local f = call('HMGET', key, 'status', 'origin', 'enqueue_at_front', 'rate_limit_key',
      'allow_dependency_failures')
    if f[1] ~= 'deferred' then
      call('SREM', dependents, child)
    elseif is_due(child, f[5] == '1') then
      call('SREM', dependents, child)
      call('ZREM', pre .. ':deferred:' .. f[2], child)
      if f[4] and f[4] ~= '' then  -- the look for delayed jobs leaves RQ's RateLimit to RQ's code
        call('HSET', key, 'status', 'scheduled')
        call('ZADD', pre .. ':scheduled:' .. f[2], now, child)
      else
        call('HSET', key, 'status', 'queued', 'enqueued_at', now_text)
        call(f[3] == '1' and 'LPUSH' or 'RPUSH', pre .. ':queue:' .. f[2], child)
      end
    end
  end
  if ttl == 0 then
    call('DEL', dependents)
  elseif ttl > 0 then
    call('EXPIRE', dependents, ttl)
  end
end

local function store(o)
  local queue, job, execution, ttl = unpack(o, 1, 4)
  local entry = job .. ':' .. execution
  local key = pre .. ':job:' .. job
  if call('ZREM', pre .. ':wip:' .. queue, entry) == 0 then
    end_key(queue, o[9], job)
    free_id(queue, job, execution)
    take_back_suspicion(key)
    return 0
  end
  end_key(queue, o[9], job, ttl == 0 and 'deleted' or 'done')
  call('ZREM', pre .. ':executions:' .. job, execution)
  table.insert(ended, entry)
  table.insert(records, pre .. ':execution:' .. entry)
  if not ids[queue] then ids[queue] = {} end
  table.insert(ids[queue], job)
  keep_result(o, key, pre .. ':results:' .. job)
  release_dependents(job, ttl)
  if o[11] then
    forget_ended()  -- a job may publish its successor with its own id
    for _, each in ipairs(o[11]) do publish(cjson.decode(each[1]), {each[2]}, {each[3]}) end
  end
  return 1
end

-- Delayed jobs (retries, enqueue_in, enqueue_at) whose time has come.
local function promote(queue, limited)
  local scheduled = pre .. ':scheduled:' .. queue
  local due = call('ZRANGEBYSCORE', scheduled, '-inf', now, 'LIMIT', 0, 500)
  for _, job in ipairs(due) do
    local key = pre .. ':job:' .. job
    local f = call('HMGET', key, 'status', 'rate_limit_key', 'enqueue_at_front',
      'enqueue_at_front_on_retry', 'ended_at')
    if f[2] and f[2] ~= '' then
      table.insert(limited, {queue, job})
    else
      call('ZREM', scheduled, job)
      if f[1] == 'scheduled' then
        local front = f[3] == '1' or (f[4] == '1' and f[5] and f[5] ~= '')
        call('HSET', key, 'status', 'queued', 'enqueued_at', now_text)
        call(front and 'LPUSH' or 'RPUSH', pre .. ':queue:' .. queue, job)
      end
    end
  end
end

local clock_text = string.format('%.6f', now)

local function claim(queue, each)
  local job, hash = each.job, each.hash
  local key = pre .. ':job:' .. job
  local execution = string.format('%s%012x', p.token, p.first)
  p.first = p.first + 1
  local entry = job .. ':' .. execution
  if each.key == '' then
    call('HSET', key, 'status', 'started', 'started_at', now_text,
      'last_heartbeat', now_text, 'worker_name', p.worker)
  else
    call('HSET', key, 'status', 'started', 'started_at', now_text,
      'last_heartbeat', now_text, 'worker_name', p.worker, 'order', each.key)
    if each.hold then call('HSET', key, 'order_hold', '1') end
    table.insert(hash, 'order')
    table.insert(hash, each.key)
  end
  call('PERSIST', key)
  call('HSET', pre .. ':execution:' .. entry, 'id', execution, 'job_id', job, 'created_at', clock_text,
    'last_heartbeat', clock_text, 'worker_name', p.worker)
  call('EXPIRE', pre .. ':execution:' .. entry, forever)
  call('ZADD', pre .. ':executions:' .. job, '+inf', execution)
  call('EXPIRE', pre .. ':executions:' .. job, forever)
  return {queue, execution, job, hash}, entry
end

-- include read_key.lua
local ordered = p.orders ~= cjson.null
local unread, deferred = {}, 0

-- Put jobs back whose keys cannot be read here, and let the worker read them and some more.
local function leave_unread(queue, waiting, first)
  local list = pre .. ':queue:' .. queue
  for i = #waiting, first, -1 do call('LPUSH', list, waiting[i]) end
  for _, job in ipairs(call('LRANGE', list, 0, 99)) do
    local hash = redis.pcall('HGETALL', pre .. ':job:' .. job)
    if not hash.err and not read_key(job, hash) then
      table.insert(unread, {job, field_of(hash, 'data') or ''})
    end
  end
end

-- Take up to `count` jobs of a queue. Returns whether it may hold more that can be taken now.
local function take(queue, count, jobs)
  local waiting = call('LPOP', pre .. ':queue:' .. queue, count)
  if not waiting then return false end
  local found, more = {}, #waiting == count
  for i, job in ipairs(waiting) do
    local hash = redis.pcall('HGETALL', pre .. ':job:' .. job)  -- the worker knows what is written below
    if not hash.err and #hash > 0 then  -- else there is no job, or it was deleted while it waited
      local key, hold = '', false
      if ordered then key, hold = read_key(job, hash) end
      if not key then
        leave_unread(queue, waiting, i)
        more = false
        break
      end
      table.insert(found, {job = job, hash = hash, key = key, hold = hold})
    end
  end
  if ordered then
    local waits
    found, waits = admit(queue, found)
    deferred = deferred + waits
    more = more and deferred < batch  -- a trip must not take long; the next one goes on
  end
  local entries, scores, taken = {}, {}, {}
  for _, each in ipairs(found) do
    local claimed, entry = claim(queue, each)
    table.insert(jobs, claimed)
    table.insert(entries, entry)
    table.insert(scores, '+inf')
    table.insert(scores, entry)
    table.insert(taken, each.job)
    table.insert(taken, claimed[2] .. ' ' .. p.worker)
  end
  if #entries > 0 then
    call('SADD', running_key, unpack(entries))
    call('ZADD', pre .. ':wip:' .. queue, unpack(scores))
    call('HSET', ids_key .. queue, unpack(taken))
  end
  return more
end

local codes = {}
for i, outcome in ipairs(p.outcomes) do
  codes[i] = store(outcome)
  if #ended == batch then forget_ended() end
end
for i, over in ipairs(p.over) do
  free_id(unpack(over, 1, 3))
  end_key(over[1], over[4], over[2])
  if i % batch == 0 then forget_ended() end
end
forget_ended()

-- Only a living worker counts: a bare hash would never expire.
if #codes > 0 and call('EXISTS', worker_key) == 1 then
  call('HINCRBY', worker_key, 'successful_job_count', #codes)
  call('HINCRBYFLOAT', worker_key, 'total_working_time', p.seconds)
end

local limited = {}
if p.promote then
  for _, queue in ipairs(p.queues) do promote(queue, limited) end
end

-- include turns.lua
local jobs = {}
local suspended = call('EXISTS', pre .. ':suspended')
if suspended == 0 then
  take_turns(p, function(queue, count) return take(queue, math.min(count, batch), jobs) end, jobs)
end
local due = ''
if p.promote then
  for _, queue in ipairs(p.queues) do
    local head = redis.call('ZRANGE', pre .. ':scheduled:' .. queue, 0, 0, 'WITHSCORES')
    local wait = head[2] and string.format('%.6f', math.max(tonumber(head[2]) - now, 0))
    if wait and (due == '' or tonumber(wait) < tonumber(due)) then due = wait end
  end
end
local more = (#unread > 0 or deferred >= batch) and 1 or 0
return {codes, jobs, suspended, limited, due, p.turns, more, unread, clock_text, now_text}
