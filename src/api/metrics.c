#include "api/metrics.h"

#include "api/metrics_deliver.h"
#include "api/problem_reply.h"
#include "base/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Whose request it was: the first two, or a dialect behind them. */
enum { OWNER_OTHER, OWNER_NATIVE, OWNER_DIALECT, OWNERS = OWNER_DIALECT + 8 };
enum { STATUS_CLASSES = 6 };

struct metrics {
	struct store *store;
	struct committer *committer;
	struct streams *streams;
	struct deliver *deliver; /* NULL: it could not be started */
	instant_us started_at;
	atomic_uint_least64_t requests[OWNERS][STATUS_CLASSES];
};

/* --- Counting --- */

static unsigned position_of(const struct dialect *d)
{
	for (unsigned i = 0; i < n_dialects; i++)
		if (dialects[i] == d)
			return i;
	must(!"a dialect of the table");
	return 0;
}

void metrics_count(struct metrics *m, const struct dialect *owner, bool native, int status)
{
	unsigned i = native ? OWNER_NATIVE : OWNER_OTHER;
	unsigned class = (unsigned)status / 100;
	if (owner)
		i = OWNER_DIALECT + position_of(owner);
	must(class < STATUS_CLASSES);
	atomic_fetch_add_explicit(&m->requests[i][class], 1, memory_order_relaxed);
}

/* --- What is there at this moment --- */

struct scrape {
	struct metrics *metrics;
	struct committer_counts commits;
	double started_s, cpu_s, resident_bytes, connections, streams;
	double batches, failed, operations, queued;
	double events, database_bytes, wal_bytes, writable;
	struct buf out;
};

/* 0 when the system does not tell. */
static double resident_bytes(void)
{
	char text[128];
	uint64_t pages = 0;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof(text));
	close(fd);
	struct str rest = { text, n > 0 ? (size_t)n : 0 };
	rest = str_from(rest, MIN(str_find(rest, ' ') + 1, rest.n)); /* the second number */
	if (!str_to_u64(str_head(rest, str_find(rest, ' ')), &pages))
		return 0;
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / US_PER_S;
}

static double cpu_s(void)
{
	struct rusage used;
	must(getrusage(RUSAGE_SELF, &used) == 0);
	return seconds(used.ru_utime) + seconds(used.ru_stime);
}

static void look(struct scrape *s, struct metrics *m, struct request *req)
{
	char why[256];
	struct store_size size = store_size(m->store);
	struct committer_counts commits;
	committer_count(m->committer, &commits);
	*s = (struct scrape){
		.metrics = m,
		.commits = commits,
		.started_s = (double)m->started_at / US_PER_S,
		.cpu_s = cpu_s(),
		.resident_bytes = resident_bytes(),
		.connections = net_server_connections(net_loop_server(req->loop)),
		.streams = streams_open(m->streams),
		.batches = (double)commits.batches,
		.failed = (double)commits.failed,
		.operations = (double)commits.operations,
		.queued = (double)commits.queued,
		.events = (double)store_feed_end(m->store),
		.database_bytes = (double)size.database_bytes,
		.wal_bytes = (double)size.wal_bytes,
		.writable = store_takes_writes(m->store, why, sizeof(why)),
		.out = buf_in(&req->arena),
	};
}

/* --- As text --- */

static void put_requests(struct scrape *s, const char *name)
{
	for (unsigned i = 0; i < OWNER_DIALECT + n_dialects; i++) {
		const char *owner = i == OWNER_OTHER    ? "none"
				    : i == OWNER_NATIVE ? "native"
							: dialects[i - OWNER_DIALECT]->name;
		for (unsigned c = 2; c < STATUS_CLASSES; c++)
			buf_printf(&s->out, "%s{dialect=\"%s\",status=\"%uxx\"} %llu\n", name,
				   owner, c,
				   (unsigned long long)atomic_load_explicit(
					   &s->metrics->requests[i][c], memory_order_relaxed));
	}
}

static void put_commit_seconds(struct scrape *s, const char *name)
{
	const struct durations_view *v = &s->commits.seconds;
	for (unsigned i = 0; i < DURATIONS_BOUNDS; i++)
		buf_printf(&s->out, "%s_bucket{le=\"%g\"} %llu\n", name,
			   (double)durations_bounds_us[i] / US_PER_S,
			   (unsigned long long)v->up_to[i]);
	unsigned long long all = v->up_to[DURATIONS_BOUNDS];
	buf_printf(&s->out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.15g\n%s_count %llu\n", name, all,
		   name, (double)v->sum_us / US_PER_S, name, all);
}

static const struct metric {
	const char *name, *type, *help;
	size_t value; /* where in struct scrape; 0: put() says it */
	void (*put)(struct scrape *s, const char *name);
} metrics_shown[] = {
	{ "process_start_time_seconds", "gauge", "When the server began, since 1970.",
	  offsetof(struct scrape, started_s), NULL },
	{ "process_cpu_seconds_total", "counter", "CPU time of user and system.",
	  offsetof(struct scrape, cpu_s), NULL },
	{ "process_resident_memory_bytes", "gauge", "Memory that is resident.",
	  offsetof(struct scrape, resident_bytes), NULL },
	{ "occurd_connections", "gauge", "Connections that are open.",
	  offsetof(struct scrape, connections), NULL },
	{ "occurd_streams", "gauge", "Streams of events that are open.",
	  offsetof(struct scrape, streams), NULL },
	{ "occurd_requests_total", "counter",
	  "Requests answered, by the dialect that owns the path and the class of the status.", 0,
	  put_requests },
	{ "occurd_commit_batches_total", "counter", "Batches that were synced.",
	  offsetof(struct scrape, batches), NULL },
	{ "occurd_commit_failures_total", "counter", "Batches that could not be made durable.",
	  offsetof(struct scrape, failed), NULL },
	{ "occurd_commit_operations_total", "counter", "Operations in the batches synced.",
	  offsetof(struct scrape, operations), NULL },
	{ "occurd_commit_seconds", "histogram", "From the begin of a batch until it was synced.", 0,
	  put_commit_seconds },
	{ "occurd_queue_operations", "gauge", "Operations accepted and not yet committed.",
	  offsetof(struct scrape, queued), NULL },
	{ "occurd_store_events", "gauge", "Events stored, of all workspaces.",
	  offsetof(struct scrape, events), NULL },
	{ "occurd_store_database_bytes", "gauge", "Size of the database.",
	  offsetof(struct scrape, database_bytes), NULL },
	{ "occurd_store_wal_bytes", "gauge", "Size of the write-ahead log.",
	  offsetof(struct scrape, wal_bytes), NULL },
	{ "occurd_store_writable", "gauge", "1 while events are taken, as /readyz says.",
	  offsetof(struct scrape, writable), NULL },
};

static void put_metric(struct scrape *s, const struct metric *m)
{
	double value;
	memcpy(&value, (const char *)s + m->value, sizeof(value));
	buf_printf(&s->out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, m->type);
	if (m->put)
		m->put(s, m->name);
	else
		buf_printf(&s->out, "%s %.15g\n", m->name, value);
}

static void answer(struct metrics *m, struct request *req)
{
	struct scrape s;
	look(&s, m, req);
	for (size_t i = 0; i < ARRAY_LEN(metrics_shown); i++)
		put_metric(&s, &metrics_shown[i]);
	metrics_put_deliver(&s.out, m->deliver, store_feed_end(m->store));
	if (s.out.failed)
		return problem_reply(req, 503, STR(""));
	reply_begin(req, 200);
	reply_header(req, STR("Cache-Control"), STR("no-store"));
	reply_send(req, STR("text/plain; version=0.0.4; charset=utf-8"), buf_str(&s.out));
}

bool metrics_are_asked_for(const struct request *req)
{
	return str_eq(req->path, STR("/metrics"));
}

bool metrics_serve(struct metrics *m, struct request *req)
{
	if (!metrics_are_asked_for(req))
		return false;
	if (req->fault != FAULT_NONE)
		problem_reply_fault(req);
	else if (req->method != METHOD_GET && req->method != METHOD_HEAD)
		problem_reply_method(req, STR("GET, HEAD"));
	else
		answer(m, req);
	return true;
}

/* --- Life --- */

int metrics_new(struct store *store, struct committer *committer, struct streams *streams,
		struct deliver *deliver, struct metrics **out)
{
	must(n_dialects <= OWNERS - OWNER_DIALECT);
	struct metrics *m = calloc(1, sizeof(*m));
	if (!m)
		return fail(-ENOMEM, "the metrics");
	m->store = store;
	m->committer = committer;
	m->streams = streams;
	m->deliver = deliver;
	m->started_at = time_now();
	*out = m;
	return 0;
}

void metrics_free(struct metrics *m)
{
	free(m);
}
