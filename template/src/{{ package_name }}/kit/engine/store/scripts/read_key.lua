-- The key of a job, from its data and its processor's template. Needs `p` around it.
--
--   p.orders  function -> {template with wire names in braces, whether a failed job holds its key}
--   p.read    job -> {key, hold} that the worker has read: data that is compressed, as RQ's
--             publishers do it, or payloads that lack a field of the template

local function field_of(hash, name)
  for i = 1, #hash, 2 do
    if hash[i] == name then return hash[i + 1] end
  end
end

local function payload_of(data)
  local ok, called = pcall(cjson.decode, data)
  if not ok or type(called) ~= 'table' then return nil end
  local args, named = called[3], called[4]
  if type(args) ~= 'table' or type(named) ~= 'table' then return nil end
  local payload = args[1] or named
  return #args < 2 and type(payload) == 'table' and payload
end

local function text_of(value)
  local kind = type(value)
  if kind == 'string' then return value end
  if kind == 'boolean' then return tostring(value) end
  if value == cjson.null then return 'null' end
  if kind == 'number' and value == math.floor(value) and math.abs(value) < 2 ^ 53 then
    return string.format('%d', value)
  end
end

-- Returns the key, '' for a job without one, and whether a failed job holds it; nil when the worker
-- must read it.
local function read_key(job, hash)
  local read = p.read[job]
  if read then return read[1], read[2] end
  local kept = field_of(hash, 'order')
  if kept then return kept, false end  -- `order_hold` is kept beside it
  local data = field_of(hash, 'data') or ''
  local path = string.match(data, '^%[%s*"([%w_.]+)"')
  if not path then return nil end
  local order = p.orders[path]
  if not order then return '', false end
  local payload = payload_of(data)
  local whole = payload and true
  local key = payload and string.gsub(order[1], '{(.-)}', function(name)
    local text = text_of(payload[name])
    whole = whole and text ~= nil
    return text or ''
  end)
  if whole then return key, order[2] end
end
