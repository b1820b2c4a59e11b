#!lua
-- Hand on the keys of jobs that were deleted, canceled or discarded while they held them.
--
-- ARGV[1] is a JSON object:
--   prefix, queue
--   ended   list of {key, job}; null to look at the keys that are held, a part of them at a time
--   cursor  where to go on looking: '0' at first, then what the look before returned
--
-- Returns {cursor, how many keys were handed on or given up}.
-- include time.lua
local p = cjson.decode(ARGV[1])
local pre = p.prefix
local call = redis.call
-- include order.lua
if p.ended ~= cjson.null then return {'0', pass_on(p.queue, p.ended)} end
local cursor, pairs_ = unpack(call('HSCAN', holders_of(p.queue), p.cursor, 'COUNT', 200))
local held = {}
for i = 1, #pairs_, 2 do table.insert(held, {pairs_[i], pairs_[i + 1]}) end
return {cursor, pass_on(p.queue, held)}
