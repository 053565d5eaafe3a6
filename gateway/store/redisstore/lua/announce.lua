-- announce stores what a replica says of itself and returns what all of them said lately.
-- KEYS[1] prefix
-- ARGV    name, its description, now and the oldest that counts, as milliseconds by the server's clock
-- result  {description, when it was seen in milliseconds, …}
local P = KEYS[1]
redis.call('HSET', P .. 'replicas', ARGV[1], ARGV[2])
redis.call('ZADD', P .. 'replicas:seen', ARGV[3], ARGV[1])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', P .. 'replicas:seen', '-inf', '(' .. ARGV[4])) do
  redis.call('HDEL', P .. 'replicas', gone)
  redis.call('ZREM', P .. 'replicas:seen', gone)
end
local out = {}
local seen = redis.call('ZRANGE', P .. 'replicas:seen', 0, -1, 'WITHSCORES')
for i = 1, #seen, 2 do
  out[#out + 1] = redis.call('HGET', P .. 'replicas', seen[i])
  out[#out + 1] = seen[i + 1]
end
return out
