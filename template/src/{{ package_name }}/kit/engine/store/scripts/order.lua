-- Order by key: the jobs of a queue that share a key are processed one at a time, in the order in
-- which they come to the front of the queue. Needs `call`, `pre` and `now` around it.
--
--   order:QUEUE      hash: key -> the job that holds it, until that job has ended
--   order:QUEUE:KEY  list: the jobs that wait for the key; their status is `deferred`, and RQ's
--                    deferred registry lists them
--
-- Both vanish when they are empty. The fields `order` and `order_hold` of a job's hash are its
-- key, and '1' when the job keeps its key after it has failed for good.
local function holders_of(queue) return pre .. ':order:' .. queue end
local function line_of(queue, key) return pre .. ':order:' .. queue .. ':' .. key end

-- Which of these jobs may start? The others go to the end of their key's line.
-- `found` is a list of {job, hash, key, hold}. Returns the jobs, and how many must wait.
local function admit(queue, found)
  local asked, numbers = {}, {}
  for i, each in ipairs(found) do
    if each.key ~= '' then
      table.insert(asked, each.key)
      numbers[i] = #asked
    end
  end
  if #asked == 0 then return found, 0 end
  local known = call('HMGET', holders_of(queue), unpack(asked))
  local admitted, taken, new = {}, {}, {}
  for i, each in ipairs(found) do
    local holder = numbers[i] and (new[each.key] or known[numbers[i]])
    if holder and holder ~= each.job then
      call('RPUSH', line_of(queue, each.key), each.job)
      call('HSET', pre .. ':job:' .. each.job, 'status', 'deferred', 'order', each.key)
      call('ZADD', pre .. ':deferred:' .. queue, now, each.job)
    else
      table.insert(admitted, each)
      if numbers[i] and not holder then
        new[each.key] = each.job
        table.insert(taken, each.key)
        table.insert(taken, each.job)
      end
    end
  end
  if #taken > 0 then call('HSET', holders_of(queue), unpack(taken)) end
  return admitted, #found - #admitted
end

-- Whether a job gives its key free: it has ended, or is no more. One that is queued again, delayed
-- or runs elsewhere keeps it.
local function gives_free(job)
  local status, hold = unpack(call('HMGET', pre .. ':job:' .. job, 'status', 'order_hold'))
  if status == 'failed' then return hold ~= '1' end
  return not status or status == 'finished' or status == 'stopped' or status == 'canceled'
end

-- The next in line that still waits: one may have been deleted or canceled.
local function next_in_line(queue, key)
  while true do
    local job = call('LPOP', line_of(queue, key))
    if not job then return nil end
    call('ZREM', pre .. ':deferred:' .. queue, job)
    if call('HGET', pre .. ':job:' .. job, 'status') == 'deferred' then
      call('HSET', pre .. ':job:' .. job, 'status', 'queued')
      return job
    end
  end
end

-- Hand keys on to those who wait for them, at the front of the queue, where they once were.
-- `ended` is a list of {key, job, known}; known is 'done' or 'deleted' when the job has ended for
-- certain, and its hash is there or is not. Returns how many keys were handed on or given up.
local function pass_on(queue, ended)
  if #ended == 0 then return 0 end
  local keys = {}
  for i, each in ipairs(ended) do keys[i] = each[1] end
  local holders = call('HMGET', holders_of(queue), unpack(keys))
  local free, taken, front, done = {}, {}, {}, {}
  for i, each in ipairs(ended) do
    local key, job, known = unpack(each, 1, 3)
    if holders[i] == job and not done[key] and (known or gives_free(job)) then
      done[key] = true
      -- Should the id be used again, for another payload, the key is read anew.
      if known ~= 'deleted' then call('HDEL', pre .. ':job:' .. job, 'order', 'order_hold') end
      local following = next_in_line(queue, key)
      if following then
        table.insert(taken, key)
        table.insert(taken, following)
        table.insert(front, following)
      else
        table.insert(free, key)
      end
    end
  end
  if #free > 0 then call('HDEL', holders_of(queue), unpack(free)) end
  if #taken > 0 then
    call('HSET', holders_of(queue), unpack(taken))
    call('LPUSH', pre .. ':queue:' .. queue, unpack(front))
  end
  return #free + #front
end
