/*
 * The whole server in one process, asked by each dialect's clients, while pieces of memory and calls
 * on sockets fail one after the other: it never ends, what it acknowledges is stored, what it
 * refuses is not, and a client that tries again is served.
 */
#include "../scratch.h"
#include "api/app.h"
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "../calls.h"

enum { TRIES = 8, ANSWER_MAX = 16384 };

static struct {
	char dir[64];
	struct store *store;
	struct committer *committer;
	struct app *app;
	struct net_server *net;
} server;

/* What became of each event, by its n. */
enum fate { UNKNOWN, REFUSED, ACKNOWLEDGED };
static enum fate fates[200000];
static unsigned n_sent;
static char export_path[64];

/* --- The server --- */

static const struct field field = { .name = STR_INIT("n"), .type = FIELD_STRING };
static const struct provision_definition definition = { .name = STR_INIT("order"),
							.fields = &field,
							.n_fields = 1 };

static void provision(void)
{
	const struct provision_key key = { .digest = sha256_of(STR("key")),
					   .name = STR("backend"),
					   .scopes = SCOPE_EVENTS_WRITE | SCOPE_CONTACTS_READ |
						     SCOPE_ADMIN };
	const struct provision_workspace w = {
		.id = { { 0x7c, 0x9e, 0x66, 0x79, 0x74, 0x25, 0x40, 0xde, 0x94, 0x4b, 0xe0, 0x7f,
			  0xc1, 0xf9, 0x0a, 0xe7 } },
		.name = STR("acme"),
		.requests_per_second = -1,
		.keys = &key,
		.n_keys = 1,
		.definitions = &definition,
		.n_definitions = 1,
	};
	assert_int_equal(store_provision(server.store, &(struct provision){ .workspaces = &w,
									    .n_workspaces = 1 }),
			 0);
}

/* Only requests lead to commits, and so it is there. */
static void on_committed(void *follower)
{
	(void)follower;
	app_wake(server.app);
}

static void start_with(const struct net_limits *limits)
{
	n_sent = 0;
	memset(fates, 0, sizeof(fates));
	struct store_dialect names[8];
	for (unsigned i = 0; i < n_dialects; i++)
		names[i] = (struct store_dialect){ (uint8_t)dialects[i]->no, dialects[i]->name };
	snprintf(server.dir, sizeof(server.dir), "%s/occurd-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(server.dir));
	struct store_config store = {
		.dir = server.dir, .dialects = names, .n_dialects = n_dialects, .now = time_now
	};
	assert_int_equal(store_open(&store, &server.store), 0);
	provision();
	struct committer_config committer = {
		.store = server.store, .queue_max = 1024, .batch_max = 64, .committed = on_committed
	};
	assert_int_equal(committer_start(&committer, &server.committer), 0);
	struct app_config app = { .store = server.store,
				  .committer = server.committer,
				  .loops = 1 };
	assert_int_equal(app_new(&app, &server.app), 0);
	struct net_config net = {
		.host = "127.0.0.1", .loops = 1, .limits = *limits, .app = app_callbacks(server.app)
	};
	assert_int_equal(net_server_start(&net, &server.net), 0);
}

static void start(void)
{
	start_with(&net_limits_default);
}

static void stop(void)
{
	net_server_stop(server.net);
	committer_stop(server.committer);
	app_free(server.app);
	net_server_free(server.net);
	store_close(server.store);
	assert_int_equal(scratch_remove(server.dir), 0);
}

/* --- A client --- */

static int connect_to_server(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(net_server_port(server.net)),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const struct timeval patience = { .tv_sec = 20 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static int say(const char *request)
{
	int fd = connect_to_server();
	send(fd, request, strlen(request), MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	return fd;
}

/* The status; 0: the connection ended without an answer. `answer` is all of it. */
static int hear(int fd, char answer[ANSWER_MAX])
{
	size_t n = 0;
	int status = 0;
	for (;;) {
		ssize_t got = recv(fd, answer + n, ANSWER_MAX - 1 - n, 0);
		if (got < 0 && errno == EAGAIN)
			print_error("no answer and no end\n");
		assert_false(got < 0 && errno == EAGAIN);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	answer[n] = '\0';
	/* An answer that was cut off is none. */
	const char *length = strstr(answer, "Content-Length: "), *body = strstr(answer, "\r\n\r\n");
	if (sscanf(answer, "HTTP/1.1 %d", &status) != 1 || !body)
		return 0;
	if (length && strlen(body + 4) < strtoul(length + 16, NULL, 10))
		return 0;
	return status;
}

static int ask(const char *request, char answer[ANSWER_MAX])
{
	return hear(say(request), answer);
}

static const struct sender {
	const char *head;
	const char *body; /* %u: whose, and which */
} senders[] = {
	{ "POST /v1/events/send HTTP/1.1\r\nAuthorization: Bearer key\r\n",
	  "{\"event\":\"order\",\"email\":\"a%u@x.io\",\"data\":{\"n\":\"%u\"}}" },
	{ "POST /v1/events/send/7c9e6679-7425-40de-944b-e07fc1f90ae7 HTTP/1.1\r\nX-API-Key: "
	  "key\r\n",
	  "{\"contact\":{\"id\":\"3f2504e0-4f89-41d3-9a0c-0305e82%05u\",\"email\":\"p@x.io\"},"
	  "\"type\":\"order\","
	  "\"customFields\":{\"n\":\"%u\"}}" },
	{ "POST /v4/track HTTP/1.1\r\nAuthorization: Bearer key\r\n",
	  "{\"eventName\":\"seen\",\"contact\":{\"email\":\"o%u@x.io\"},\"properties\":{\"n\":\"%"
	  "u\"}"
	  "}" },
	{ "POST /peopleevents/2/persons/i@x.io/definitions/order/events?identifierType=EMAIL"
	  "&createPerson=true HTTP/1.1\r\nAuthorization: App key\r\n",
	  "{\"who\":%u,\"properties\":{\"n\":\"%u\"}}" },
};

static int send_event(const struct sender *s)
{
	char body[500], request[1000], answer[ANSWER_MAX];
	unsigned n = n_sent++;
	assert_true(n < ARRAY_LEN(fates));
	snprintf(body, sizeof(body), s->body, n % 7, n);
	snprintf(request, sizeof(request),
		 "%sHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
		 "Content-Length: %zu\r\n\r\n%s",
		 s->head, strlen(body), body);
	int status = ask(request, answer);
	if (status >= 200 && status < 300)
		fates[n] = ACKNOWLEDGED;
	else if (status)
		fates[n] = REFUSED;
	if (status && status / 100 != 2 && status != 500 && status != 503)
		print_error("answered: %s\n", answer);
	assert_true(status == 0 || status / 100 == 2 || status == 500 || status == 503);
	return status;
}

/* As clients do. Out of descriptors, libuv closes all that wait, and so who comes again at once. */
static void wait_a_little(int tries)
{
	usleep(1000U << tries);
}

/* One that fails may be tried again, and the fault goes away. */
static void send_until_taken(const struct sender *s)
{
	for (int i = 0; i < TRIES; i++) {
		if (send_event(s) / 100 == 2)
			return;
		wait_a_little(i);
	}
	fail_msg("never taken");
}

/* Somebody of whom there is little to tell. */
static const struct sender quiet = {
	"POST /v1/events/send HTTP/1.1\r\nAuthorization: Bearer key\r\n",
	"{\"event\":\"order\",\"email\":\"quiet@x.io\",\"user_id\":\"%u\",\"data\":{\"n\":\"%u\"}}"
};

static int begin_reading(const char *path)
{
	char request[200];
	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer key\r\n"
		 "Connection: close\r\n\r\n",
		 path);
	return say(request);
}

static int read_from(const char *path, char answer[ANSWER_MAX])
{
	return hear(begin_reading(path), answer);
}

/* "/_/v1/contacts/12/export" */
static void find_export(void)
{
	char answer[ANSWER_MAX];
	send_until_taken(&quiet);
	assert_int_equal(read_from("/_/v1/contacts?email=quiet@x.io", answer), 200);
	const char *number = strstr(answer, "\"number\":");
	assert_non_null(number);
	snprintf(export_path, sizeof(export_path), "/_/v1/contacts/%lu/export",
		 strtoul(number + 9, NULL, 10));
}

static void read_until_told(const char *path)
{
	char answer[ANSWER_MAX];
	for (int i = 0; i < TRIES; i++) {
		int status = read_from(path, answer);
		if (status == 200)
			return;
		assert_true(status == 0 || status == 500 || status == 503);
		wait_a_little(i);
	}
	fail_msg("never told");
}

/* --- What is stored --- */

static void check_stored(void)
{
	static uint8_t stored[ARRAY_LEN(fates)];
	char path[100];
	sqlite3 *db;
	sqlite3_stmt *st;
	memset(stored, 0, sizeof(stored));
	snprintf(path, sizeof(path), "%s/occurd.db", server.dir);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT json_extract(properties, '$.n') FROM event",
					    -1, &st, NULL),
			 SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		assert_in_range(sqlite3_column_int64(st, 0), 0, n_sent - 1);
		stored[sqlite3_column_int64(st, 0)]++;
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	for (unsigned n = 0; n < n_sent; n++) {
		if (fates[n] == ACKNOWLEDGED)
			assert_int_equal(stored[n], 1);
		else
			assert_in_range(stored[n], 0, fates[n] == REFUSED ? 0 : 1);
	}
}

/* --- The ways to fail --- */

/* How many calls failed. */
static int round_of_all(unsigned kinds, int fail_at, int error)
{
	calls_arm(kinds, fail_at, 1, error);
	for (size_t i = 0; i < ARRAY_LEN(senders); i++)
		send_until_taken(&senders[i]);
	read_until_told("/_/v1/events?limit=3");
	read_until_told("/_/v1/definitions");
	read_until_told(export_path);
	int failed = atomic_load(&calls.failed);
	calls_arm(0, 0, 0, 0);
	return failed;
}

static void fail_each(unsigned kinds, int error, const char *what)
{
	const struct calls_way way = { kinds, error, what };
	assert_true(calls_try_each(&way, round_of_all) > 0);
	check_stored();
}

static void each_call_on_a_socket_may_fail(void **state)
{
	(void)state;
	start();
	find_export();
	fail_each(CALL_ACCEPT, EMFILE, "accept: too many files");
	fail_each(CALL_ACCEPT, ENFILE, "accept: too many files of all");
	fail_each(CALL_ACCEPT, ECONNABORTED, "accept: gone already");
	fail_each(CALL_ACCEPT, EINTR, "accept: interrupted");
	fail_each(CALL_ACCEPT, EAGAIN, "accept: nothing there");
	fail_each(CALL_ACCEPT, ENOBUFS, "accept: no memory");
	fail_each(CALL_RECEIVE, ECONNRESET, "receive: reset");
	fail_each(CALL_RECEIVE, EINTR, "receive: interrupted");
	fail_each(CALL_RECEIVE, EAGAIN, "receive: nothing there");
	fail_each(CALL_RECEIVE, ENOMEM, "receive: no memory");
	fail_each(CALL_RECEIVE, 0, "receive: a part");
	fail_each(CALL_SEND, ECONNRESET, "send: reset");
	fail_each(CALL_SEND, EPIPE, "send: closed");
	fail_each(CALL_SEND, EINTR, "send: interrupted");
	fail_each(CALL_SEND, EAGAIN, "send: no room");
	fail_each(CALL_SEND, ENOBUFS, "send: no memory");
	fail_each(CALL_SEND, 0, "send: a part");
	stop();
}

static void each_piece_of_memory_may_be_refused(void **state)
{
	(void)state;
	start();
	find_export();
	fail_each(CALL_MEMORY, ENOMEM, "memory");
	fail_each(CALL_SQLITE_MEMORY, ENOMEM, "memory of SQLite's");
	stop();
}

/* With a head of any length, so that each piece of what is made of it is now and then the one for which
 * more memory is asked for. That is nobody's mistake, and no body of a few bytes is too large. */
static void a_head_may_find_no_memory(void **state)
{
	static const char body[] = "{\"event\":\"order\",\"email\":\"x@x.io\",\"data\":{}}";
	char request[10000], answer[ANSWER_MAX];
	unsigned refused = 0;
	(void)state;
	start();
	for (int pad = 5000; pad < 8000; pad += 60)
		for (int fail_at = 1; fail_at <= 4; fail_at++) {
			snprintf(request, sizeof(request),
				 "%sHost: x\r\nX: %0*d\r\nContent-Type: application/json\r\n"
				 "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
				 quiet.head, pad, 0, strlen(body), body);
			calls_arm(CALL_MEMORY, fail_at, 2, ENOMEM); /* one is made good */
			int status = ask(request, answer);
			calls_arm(0, 0, 0, 0);
			refused += status != 202;
			if (status && status != 202 && status != 500 && status != 503)
				print_error("answered: %s\n", answer);
			assert_true(status == 0 || status == 202 || status == 500 || status == 503);
		}
	assert_true(refused > 0);
	stop();
}

/* --- Bodies that there is no room for --- */

/* An event with a member of many small values more, whose tree is many times its text. */
static int send_crowded(const struct sender *s, char answer[ANSWER_MAX])
{
	enum { VALUES = 20000 };
	static char body[VALUES * 3 + 500], request[sizeof(body) + 500];
	static const char before[] = "{\"crowd\":[";
	size_t n = sizeof(before) - 1;
	memcpy(body, before, n);
	for (unsigned i = 0; i < VALUES; i++, n += 3)
		memcpy(body + n, "[],", 3);
	body[n - 1] = ']';
	body[n++] = ',';
	snprintf(body + n, sizeof(body) - n, s->body + 1, 1U, 1U);
	snprintf(request, sizeof(request),
		 "%sHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
		 "Content-Length: %zu\r\n\r\n%s",
		 s->head, strlen(body), body);
	return ask(request, answer);
}

/* Of one request's memory: it never will have more. Of that of all: it may, another time. */
static void what_never_has_room_is_too_large(void **state)
{
	struct net_limits small_request = net_limits_default, small_total = net_limits_default;
	small_request.request_memory_max = 256 * 1024;
	small_total.total_memory_max = 512 * 1024;
	const struct {
		const struct net_limits *limits;
		bool too_large, come_back;
	} cases[] = {
		{ &small_request, true, false },
		{ &small_total, false, true },
		{ &net_limits_default, false, false },
	};
	char answer[ANSWER_MAX];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start_with(cases[i].limits);
		for (size_t s = 0; s < ARRAY_LEN(senders); s++) {
			int status = send_crowded(&senders[s], answer);
			assert_int_equal(status == 413, cases[i].too_large);
			assert_int_equal(status == 503, cases[i].come_back);
			assert_int_equal(strcasestr(answer, "\r\nRetry-After:") != NULL,
					 cases[i].come_back);
			assert_int_equal(send_event(&senders[s]) / 100, 2);
		}
		stop();
	}
}

/* --- Readers that do not come to it --- */

static atomic_uint n_works; /* that were given to the workers */

int uv_queue_work(uv_loop_t *loop, uv_work_t *work, uv_work_cb run, uv_after_work_cb done)
{
	atomic_fetch_add(&n_works, 1);
	return CALLS_NEXT(uv_queue_work)(loop, work, run, done);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void wait_at_gate(uv_work_t *work)
{
	(void)work;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
}

static void gone_through(uv_work_t *work, int status)
{
	(void)work;
	assert_int_equal(status, 0);
}

/* The first of them that is answered. */
static unsigned first_answered(const int *fds, unsigned n)
{
	struct pollfd polled[1000];
	assert_in_range(n, 1, ARRAY_LEN(polled));
	for (unsigned i = 0; i < n; i++)
		polled[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	assert_in_range(poll(polled, n, 20000), 1, n);
	unsigned i = 0;
	while (!polled[i].revents)
		i++;
	return i;
}

enum { WORKERS = 64 };
static uv_work_t at_gate[WORKERS];

/* Nothing is read from here on. */
static void shut_gate(void)
{
	pthread_mutex_lock(&gate);
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(
			uv_queue_work(uv_default_loop(), &at_gate[i], wait_at_gate, gone_through),
			0);
}

static void open_gate(void)
{
	pthread_mutex_unlock(&gate);
	assert_int_equal(uv_run(uv_default_loop(), UV_RUN_DEFAULT), 0);
}

/* What the catalog says is read like all else: what waits for it has a ceiling, and each key its share. */
static void what_is_shown_has_a_share(void **state)
{
	static const char *const paths[] = {
		"/_/v1/definitions",
		"/_/v1/definitions/order",
		"/_/v1/destinations",
		"/_/v1/automations",
		"/_/v1/workspaces",
		"/_/v1/events",
		"/_/v1/workspaces/7c9e6679-7425-40de-944b-e07fc1f90ae7",
	};
	enum { SHARE = 256 };
	char answer[ANSWER_MAX];
	int fds[SHARE + 1];
	(void)state;
	start();
	shut_gate();
	for (unsigned i = 0; i <= SHARE; i++)
		fds[i] = begin_reading(paths[i % ARRAY_LEN(paths)]);
	unsigned refused = first_answered(fds, SHARE + 1);
	assert_int_equal(hear(fds[refused], answer), 503);
	assert_non_null(strstr(answer, "too much of this key"));
	open_gate();
	for (unsigned i = 0; i <= SHARE; i++)
		if (i != refused)
			assert_int_equal(hear(fds[i], answer), 200);
	stop();
}

/* What may keep a worker for seconds: a key has one of these at a time, whichever it is. */
static void what_is_long_comes_one_by_one(void **state)
{
	static const char replay[] =
		"POST /_/v1/deliveries/replay HTTP/1.1\r\nHost: x\r\n"
		"Authorization: Bearer key\r\nContent-Type: application/json\r\n"
		"Content-Length: 16\r\n\r\n{\"dry_run\":true}";
	char answer[ANSWER_MAX];
	int fds[3];
	(void)state;
	start();
	find_export();
	for (int with_replay = 0; with_replay < 2; with_replay++) {
		shut_gate();
		fds[0] = begin_reading("/_/v1/events");
		fds[1] = begin_reading(export_path);
		fds[2] = with_replay ? say(replay) : begin_reading(export_path);
		unsigned refused = first_answered(fds, ARRAY_LEN(fds));
		assert_in_range(refused, 1, 2);
		assert_int_equal(hear(fds[refused], answer), 503);
		assert_non_null(strstr(answer, "Retry-After: "));
		assert_non_null(strstr(answer, "too much of this key"));
		open_gate();
		assert_int_equal(hear(fds[0], answer), 200);
		assert_int_not_equal(hear(fds[3 - refused], answer), 503);
		assert_int_equal(read_from(export_path, answer), 200);
	}
	stop();
}

/* Until the answer has that. */
static void hear_until(int fd, const char *text)
{
	char answer[ANSWER_MAX];
	size_t n = 0;
	do {
		ssize_t got = recv(fd, answer + n, sizeof(answer) - 1 - n, 0);
		assert_true(got > 0);
		n += (size_t)got;
		answer[n] = '\0';
	} while (!strstr(answer, text));
}

static int begin_stream(void)
{
	static const char request[] = "GET /_/v1/events/stream HTTP/1.1\r\nHost: x\r\n"
				      "Authorization: Bearer key\r\n\r\n";
	int fd = connect_to_server();
	assert_int_equal(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL), sizeof(request) - 1);
	hear_until(fd, "retry: 2000");
	return fd;
}

/* However many streams there are, the workers have a few pages to read at a time; and each stream has
 * its turn. */
static void pages_of_streams_come_few_at_a_time(void **state)
{
	enum { STREAMS = 30, AT_A_TIME = 4 };
	char answer[ANSWER_MAX];
	int fds[STREAMS];
	(void)state;
	start();
	for (int i = 0; i < STREAMS; i++)
		fds[i] = begin_stream();
	for (int round = 0; round < 3; round++) {
		shut_gate();
		unsigned before = atomic_load(&n_works);
		send_until_taken(&quiet);
		app_wake(server.app); /* as the committer does in the whole server */
		while (atomic_load(&n_works) == before)
			usleep(1000);
		/* They were woken in one go; this comes behind it. */
		assert_int_equal(ask("GET /healthz HTTP/1.0\r\n\r\n", answer), 200);
		assert_int_equal(atomic_load(&n_works) - before, AT_A_TIME);
		open_gate();
		for (int i = 0; i < STREAMS; i++)
			hear_until(fds[i], "event: event\n");
		assert_int_equal(atomic_load(&n_works) - before, STREAMS);
	}
	for (int i = 0; i < STREAMS; i++)
		close(fds[i]);
	stop();
}

/* What nobody can be answered any more is not read: a stop waits for what has begun, and no longer. */
static void a_stop_waits_for_no_queue(void **state)
{
	struct net_limits hasty = net_limits_default;
	int fds[20];
	(void)state;
	hasty.drain_ms = 200;
	start_with(&hasty);
	send_until_taken(&quiet);
	int stream = begin_stream();
	shut_gate();
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = begin_reading(i % 2 ? "/_/v1/events" : "/_/v1/definitions");
	send_until_taken(&quiet);
	app_wake(server.app);
	alarm(30); /* ends the program */
	stop();
	alarm(0);
	open_gate();
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	close(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_on_a_socket_may_fail),
		cmocka_unit_test(each_piece_of_memory_may_be_refused),
		cmocka_unit_test(a_head_may_find_no_memory),
		cmocka_unit_test(what_never_has_room_is_too_large),
		cmocka_unit_test(what_is_shown_has_a_share),
		cmocka_unit_test(what_is_long_comes_one_by_one),
		cmocka_unit_test(pages_of_streams_come_few_at_a_time),
		cmocka_unit_test(a_stop_waits_for_no_queue),
	};
	signal(SIGPIPE, SIG_IGN);
	log_set_level((enum log_level)(LOG_ERROR + 1)); /* each failure would be told */
	calls_tell_sqlite();
	uv_replace_allocator(malloc, realloc, calloc, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
