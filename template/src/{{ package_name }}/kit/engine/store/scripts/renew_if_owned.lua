#!lua
-- Is this delivery still ours? If so the worker's lease is renewed in the same step, so that
-- nobody can take the job over while its outcome is being written.
--
-- KEYS: started registry, worker hash      ARGV: job:execution, lease in seconds
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
