"""GET /metrics: that it is what Prometheus reads, and that its numbers follow what happens."""

import re

import pytest

import occurd
import senders

SPACE = senders.engine_workspace("metrics")
TYPE = "text/plain; version=0.0.4; charset=utf-8"
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-z]+="[^"\\\n]*",?)+)\})? (\S+)')


@pytest.fixture
def server(tmp_path):
    with occurd.start(tmp_path, [SPACE]) as server:
        yield server


def family(name, type_):
    return re.sub("_(bucket|sum|count)$", "", name) if type_ == "histogram" else name


def scrape(server):
    """{(name, labels): value}; every line must be of the format."""
    reply = server.request("GET", "/metrics")
    assert reply.status == 200 and reply.header("Content-Type") == TYPE
    assert reply.text.endswith("\n")
    values, helped, types, current = {}, set(), {}, None
    for line in reply.text.splitlines():
        if line.startswith("# HELP "):
            current = line.split(" ", 3)[2]
            assert current not in helped
            helped.add(current)
        elif line.startswith("# TYPE "):
            _, _, name, types[name] = line.split(" ")
            assert name == current and types[name] in ("counter", "gauge", "histogram")
        else:
            name, labels, value = SAMPLE.fullmatch(line).groups()
            assert family(name, types[current]) == current
            assert (name, labels) not in values
            values[name, labels] = float(value)
    assert helped == set(types)
    return values


def requests(values, dialect, status):
    return values["occurd_requests_total", f'dialect="{dialect}",status="{status}"']


def test_numbers_follow(server):
    before = scrape(server)
    for i in range(20):
        assert server.request(*senders.arsel(SPACE, f"p{i}@example.com")).status == 202
    assert server.request("GET", "/v1/contacts").status == 401
    assert server.request("GET", "/_/v1/nothing").status == 404
    assert server.request("GET", "/nothing").status == 404
    after = scrape(server)

    def grown(name, labels=None):
        return after[name, labels] - before[name, labels]
    assert after["occurd_store_events", None] == 20 and grown("occurd_store_events") == 20
    assert grown("occurd_commit_operations_total") == 20
    assert 1 <= grown("occurd_commit_batches_total") <= 20
    assert grown("occurd_commit_batches_total") == grown("occurd_commit_seconds_count")
    assert grown("occurd_commit_seconds_sum") > 0
    assert after["occurd_commit_failures_total", None] == 0
    assert after["occurd_queue_operations", None] == 0
    assert after["occurd_store_writable", None] == 1
    assert after["occurd_store_database_bytes", None] > 0
    assert after["occurd_store_wal_bytes", None] > 0
    assert after["process_resident_memory_bytes", None] > 1 << 20
    assert grown("process_cpu_seconds_total") >= 0
    assert after["process_start_time_seconds", None] == before["process_start_time_seconds", None]
    for dialect, status, n in (("arsel", "2xx", 20), ("arsel", "4xx", 1), ("native", "4xx", 1),
                               ("none", "4xx", 1), ("none", "2xx", 1), ("pristo", "2xx", 0)):
        assert requests(after, dialect, status) - requests(before, dialect, status) == n, dialect


def test_the_histogram_is_cumulative(server):
    for i in range(5):
        assert server.request(*senders.arsel(SPACE, "p@example.com")).status == 202
    values = scrape(server)
    buckets = [v for (name, _), v in values.items() if name == "occurd_commit_seconds_bucket"]
    assert buckets == sorted(buckets)
    assert buckets[-1] == values["occurd_commit_seconds_count", None] >= 1
    assert values["occurd_commit_seconds_bucket", 'le="+Inf"'] == buckets[-1]


def test_connections_are_those_open(server):
    with server.wire(), server.wire():
        occurd.wait_until(lambda: scrape(server)["occurd_connections", None] == 3)
    occurd.wait_until(lambda: scrape(server)["occurd_connections", None] == 1)


def test_events_count_across_a_restart(server):
    assert server.request(*senders.arsel(SPACE, "p@example.com")).status == 202
    server.kill()
    server.start()
    values = scrape(server)
    assert values["occurd_store_events", None] == 1
    assert values["occurd_commit_operations_total", None] == 0


def test_names_nobody(server):
    assert server.request(*senders.arsel(SPACE, "p@example.com")).status == 202
    text = server.request("GET", "/metrics").text
    for secret in (SPACE["name"] + "\"", SPACE["id"], senders.key_of(SPACE), "example.com"):
        assert secret not in text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods(server, method):
    reply = server.request(method, "/metrics", {}, b"")
    assert reply.status == 405 and reply.header("Allow") == "GET, HEAD"


def test_head(server):
    reply = server.request("HEAD", "/metrics")
    assert reply.status == 200 and int(reply.header("Content-Length")) > 0


@pytest.mark.parametrize("path", ["/metrics/", "/metrics/x", "/Metrics", "/_/metrics"])
def test_paths_beside(server, path):
    assert server.request("GET", path).status == 404
