-- Whose turn is it? The first queue that has jobs; but of every `share` jobs that a worker takes,
-- one comes from each lower queue that has any, so that none of them starves.
--
-- p.turns holds for each queue how many jobs were taken from the others since its own last turn.
-- Which queue comes next depends on it and on the queues alone.
local function take_turns(p, take, jobs)
  local turns, empty = p.turns, {}
  local patience = math.max(p.share - #p.queues + 1, 1)  -- all lower ones may be due at once

  local function next_turn()
    local first, due
    local count = p.free - #jobs
    for i = 1, #p.queues do
      if not empty[i] then
        if not first then
          first = i
        elseif turns[i] >= patience then
          if not due or turns[i] > turns[due] then due = i end
        else
          count = math.min(count, patience - turns[i])
        end
      end
    end
    if due then return due, 1 end
    return first, count
  end

  while #jobs < p.free do
    local turn, count = next_turn()
    if not turn then return end
    local before = #jobs
    empty[turn] = not take(p.queues[turn], count)
    for i = 1, #turns do turns[i] = turns[i] + #jobs - before end
    turns[turn] = 0
  end
end
