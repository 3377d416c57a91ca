-- wrk script: events of one vendor, spread over known contacts, one in twenty from a new one.
-- Bodies are made before the run; only those of new contacts are made during it.
-- Arguments: vendor, key, population, known contacts, run id (so that new contacts of one run are
-- new again in the next).

local threads = 0

function setup(thread)
	threads = threads + 1
	thread:set("number", threads)
end

local function arsel_body(email)
	return '{"event":"order.completed","email":"' .. email ..
		'","data":{"order_id":"A-1023","total":149.99,"currency":"EUR","coupon":"AUTUMN",' ..
		'"items":[{"sku":"SKU-1001","price":49.99,"quantity":1},{"sku":"SKU-2002","price":50.00,"quantity":2}],' ..
		'"shipping":{"method":"express","city":"Kaunas"}},"timestamp":"2026-06-01T12:00:00.000Z"}'
end

local function pristo_body(id, email)
	return '{"contact":{"id":"' .. id .. '","email":"' .. email ..
		'","language":"en","name":"Dana","lastName":"Levi","customFields":{"gender":"f","age":"31"}},' ..
		'"type":"purchase","occurredAt":"2026-02-04T13:25:00Z","customFields":{"channel":"web",' ..
		'"purchaseAmount":"149.99","transactionId":"tr-20260204-000017"}}'
end

local function uuid(n)
	return string.format("%08x-0000-4000-8000-%012x", n % 4294967296, n)
end

function init(args)
	local vendor, key, population, known, run = args[1], args[2], args[3], tonumber(args[4]), args[5]
	local path, headers
	local fresh_from = tonumber(run) * 100000000 + number * 50000000
	if vendor == "arsel" then
		path = "/v1/events/send"
		headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json" }
		make = function(n) return wrk.format("POST", path, headers,
			arsel_body("c" .. n .. "@bench.example")) end
	else
		path = "/v1/events/send/" .. population
		headers = { ["X-API-Key"] = key, ["Content-Type"] = "application/json" }
		make = function(n) return wrk.format("POST", path, headers,
			pristo_body(uuid(n), "p" .. n .. "@bench.example")) end
	end
	math.randomseed(number * 7919 + tonumber(run))
	ready, at, fresh = {}, 0, fresh_from
	for n = 1, known do ready[n] = make(n) end
	for n = known, 2, -1 do
		local k = math.random(n)
		ready[n], ready[k] = ready[k], ready[n]
	end
end

function request()
	at = at + 1
	if at % 20 == 0 then
		fresh = fresh + 1
		return make(fresh)
	end
	return ready[at % #ready + 1]
end

function done(summary, latency)
	local e = summary.errors
	io.write(string.format("RESULT %d %d %f %f %d\n", summary.requests, summary.duration,
		latency:percentile(50) / 1000, latency:percentile(99) / 1000,
		e.connect + e.read + e.write + e.status + e.timeout))
end
