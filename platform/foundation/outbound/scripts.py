"""Lua scripts with the rules of bucket, breaker and retry budget: all workers share one state in Valkey in one round
trip.

`bucket.py`, `breaker.py` and `budget.py` are the readable form; a property test proves both forms equal. One hash per
credential. Times are microseconds, by Valkey's own clock: one authority, however wrong the workers' clocks are. When
that clock steps back, the stored times step back with it.
"""

_LOAD = """
local f = redis.call('HMGET', KEYS[1], 'full_at', 'generation', 'streak', 'open_until', 'opened', 'probe_until',
                     'window', 'calls', 'failures', 'seen', 'retries_full_at')
for i = 1, 11 do f[i] = tonumber(f[i] or '0') end
local full_at, generation, streak, open_until, opened, probe_until, window, calls, failures, seen, retries_full_at
  = unpack(f)
local now = tonumber(ARGV[1])
if now < 0 then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000000 + tonumber(t[2])
end
if now < seen - 2000000 then
  local back = seen - now
  full_at = math.max(full_at - back, 0)
  retries_full_at = math.max(retries_full_at - back, 0)
  if open_until > 0 then open_until = math.max(open_until - back, 1) end
  probe_until = math.max(probe_until - back, 0)
end
local interval, burst, window_size = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local function int(x) return string.format('%.0f', x) end
local function roll()
  local w = math.floor(now / window_size)
  if w ~= window then window, calls, failures = w, 0, 0 end
end
local function store()
  redis.call('HSET', KEYS[1], 'full_at', int(full_at), 'generation', int(generation), 'streak', int(streak),
    'open_until', int(open_until), 'opened', int(opened), 'probe_until', int(probe_until), 'window', int(window),
    'calls', int(calls), 'failures', int(failures), 'seen', int(now), 'retries_full_at', int(retries_full_at))
  redis.call('PEXPIRE', KEYS[1], 86400000)
end
"""

# ARGV: now or -1, interval, burst, window, longest wait, time a probe may take, attempt (0 first, 1 again, 2 further),
# the retries' interval, how many are saved, fraction earned by a first attempt. Returns: {0 admitted | 1 throttled | 2
# open | 3 retries spent, microseconds to wait, generation, 1 when this is the probe, streak}
ADMIT = (
    _LOAD
    + """
local blocked = open_until > 0 and math.max(open_until - now, probe_until - now, 0) or 0
if blocked > 0 then return {2, blocked, generation, 0, streak} end
local attempt, each, saved = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
retries_full_at = math.min(math.max(retries_full_at, now), now + 2 * each * saved)
local spent = retries_full_at + each - each * saved - now
if attempt == 1 and spent > 0 then return {3, spent, generation, 0, streak} end
local wait = math.max(full_at, now) + interval - interval * burst - now
if wait > tonumber(ARGV[5]) then return {1, wait, generation, 0, streak} end
full_at = math.max(full_at, now) + interval
retries_full_at = retries_full_at + (attempt == 0 and -tonumber(ARGV[10]) or each)
wait = math.max(wait, 0)
roll()
calls = calls + 1
local probe = 0
if open_until > 0 then
  probe = 1
  probe_until = now + wait + tonumber(ARGV[6])
end
store()
return {0, wait, generation, probe, streak}
"""
)

# ARGV: now or -1, interval, burst, window, generation, outcome, hold, failures, ratio, min calls, open, longest open.
SETTLE = (
    _LOAD
    + """
local outcome, hold = tonumber(ARGV[6]), tonumber(ARGV[7])
if hold > 0 then full_at = math.max(full_at, now + hold + interval * (burst - 1)) end
if tonumber(ARGV[5]) == generation then
  if outcome == 2 then
    probe_until = 0
  elseif outcome == 1 then
    streak = 0
    if open_until > 0 then
      open_until, opened, calls, failures, probe_until = 0, 0, 0, 0, 0
      generation = generation + 1
    end
  else
    roll()
    streak = streak + 1
    failures = failures + 1
    local many = calls >= tonumber(ARGV[10]) and failures >= tonumber(ARGV[9]) * calls
    if open_until > 0 or streak >= tonumber(ARGV[8]) or many then
      opened = opened + 1
      open_until = now + math.min(tonumber(ARGV[11]) * 2 ^ math.min(opened - 1, 20), tonumber(ARGV[12]))
      generation = generation + 1
      streak, calls, failures, probe_until = 0, 0, 0, 0
    end
  end
end
store()
return {generation, streak, math.max(open_until - now, 0)}
"""
)
