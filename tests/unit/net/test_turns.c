/* Who sends ahead, or much, waits for its turn: others of the loop are served in between. */
#include "harness.h"
#include "net/conn.h"

enum { AHEAD = 600 };

/* The place of the first request for `path`, of all that were served while the loop was held up. */
static struct {
	pthread_mutex_t lock;
	atomic_uint n_come; /* to it, whether it is open or not */
	unsigned n, place;
	unsigned n_before, most; /* served up to the last end of a round; between two of them */
	const char *path;
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void serve_behind_gate(void *ctx, struct request *req)
{
	gate.n_come++;
	pthread_mutex_lock(&gate.lock);
	gate.n++;
	if (!gate.place && str_eq(req->path, str_of(gate.path)))
		gate.place = gate.n;
	pthread_mutex_unlock(&gate.lock);
	serve(ctx, req);
}

static void count_round(void *ctx, struct net_loop *loop)
{
	gate.most = MAX(gate.most, gate.n - gate.n_before);
	gate.n_before = gate.n;
	round_end(ctx, loop);
}

static void start_behind_gate(const char *path)
{
	struct net_config c = config();
	c.app.serve = serve_behind_gate;
	c.app.round_end = count_round;
	gate.n = gate.place = gate.n_before = gate.most = 0;
	gate.path = path;
	start(&c);
}

/* Holds the loop up, so that all that is sent meanwhile lies there in the next round. */
static int shut(void)
{
	int fd = dial();
	pthread_mutex_lock(&gate.lock);
	unsigned n = gate.n_come;
	say(fd, GET_OK);
	until(gate.n_come > n);
	return fd;
}

static unsigned open_and_find(void)
{
	unsigned place = 0;
	usleep(50 * 1000);
	pthread_mutex_unlock(&gate.lock);
	until((pthread_mutex_lock(&gate.lock), place = gate.place, pthread_mutex_unlock(&gate.lock),
	       place));
	return place;
}

/* A connection that was answered before. */
static int acquainted(const char *path)
{
	int fd = dial();
	struct answer a;
	char text[200];
	inbox_of(fd);
	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", path);
	say(fd, text);
	assert_true(next_answer(&a));
	return fd;
}

/* One from each, which is its last. */
static void take_answers(const int *fds, int n, const char *body)
{
	for (int i = 0; i < n; i++) {
		inbox_of(fds[i]);
		expect(200, body);
		close(fds[i]);
	}
}

static void test_sent_ahead(void **state)
{
	static const char *const paths[] = { "ok", "stranger" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		start_behind_gate("/other");
		int flood = acquainted("/ok"), other = acquainted("/ok"), gatekeeper = shut();
		say_numbered(flood, paths[i], AHEAD);
		say(other, "GET /other HTTP/1.1\r\n" HOST "\r\n");
		/* Three were served before: those of the acquaintance and the gatekeeper's. */
		assert_in_range(open_and_find(), 4, 3 + 8 + 1);
		inbox_of(other);
		expect(200, "/other");
		inbox_of(flood);
		expect_numbered(paths[i], 0, AHEAD);
		close(flood);
		close(other);
		close(gatekeeper);
		stop();
	}
}

enum { HEAVY = 40 * 1024 };

static void say_heavy(int fd, const char *path, char fill)
{
	static char body[HEAVY];
	memset(body, fill, sizeof(body));
	say_post(fd, path, HEAVY);
	push(fd, (struct str){ body, sizeof(body) }, SIZE_MAX);
}

static void expect_heavy(int fd, char fill)
{
	struct answer a;
	inbox_of(fd);
	assert_true(next_answer(&a));
	assert_int_equal(a.status, 200);
	assert_int_equal(a.body_n, HEAVY);
	assert_int_equal(a.body[0], fill);
}

static void test_heavy(void **state)
{
	enum { N = 6 };
	int heavy[N];
	(void)state;
	start_behind_gate("/other");
	for (int i = 0; i < N; i++)
		heavy[i] = acquainted("/ok");
	int other = acquainted("/ok"), gatekeeper = shut();
	for (int i = 0; i < N; i++)
		say_heavy(heavy[i], "/echo", (char)('a' + i));
	say(other, "GET /other HTTP/1.1\r\n" HOST "\r\n");
	/* Two of 41 units go into a round of 64. */
	assert_in_range(open_and_find(), N + 3, N + 3 + 2);
	for (int i = 0; i < N; i++) {
		shutdown(heavy[i], SHUT_WR); /* it may still wait: it is answered all the same */
		expect_heavy(heavy[i], (char)('a' + i));
		expect_end();
		close(heavy[i]);
	}
	close(other);
	close(gatekeeper);
	stop();
}

enum { REFUSED = 20 };

/* How many of those who were refused are served before the last of those who need not have been served
 * before, when all bring what is heavy. */
static unsigned served_of_refused(const char *before, const char *path)
{
	enum { N = REFUSED, M = 10 };
	int refused[N], fresh[M];
	start_behind_gate("/fresh");
	for (int i = 0; i < N; i++)
		refused[i] = acquainted(before);
	int gatekeeper = shut();
	for (int i = 0; i < N; i++)
		say_heavy(refused[i], path, 'r');
	for (int i = 0; i < M; i++) {
		fresh[i] = dial();
		say_heavy(fresh[i], i < M - 1 ? "/echo" : "/fresh", 'f');
	}
	unsigned place = open_and_find();
	assert_in_range(place, N + 1 + M, N + 1 + N + M);
	for (int i = 0; i < N; i++) {
		inbox_of(refused[i]);
		expect(strncmp(path, "/stranger", 9) == 0 ? 200 : 422, NULL);
		close(refused[i]);
	}
	for (int i = 0; i < M; i++)
		close(fresh[i]);
	close(gatekeeper);
	stop();
	return place - (N + 1 + M);
}

static void test_heavy_refused(void **state)
{
	(void)state;
	/* Two, and then the clock decides, which may strike in every round. */
	assert_in_range(served_of_refused("/status?404", "/status?422"), 0, 15);
	assert_in_range(served_of_refused("/stranger", "/stranger/form"), 0, 15);
	/* What nobody looked into is not heavy. */
	assert_int_equal(served_of_refused("/stranger", "/stranger"), REFUSED);
}

/* Who was answered `before` is served before most of those who have no key and ask again. */
static void check_beside_strangers(const char *before)
{
	enum { N = 150, ALMS = 64 };
	int strangers[N];
	start_behind_gate("/other");
	for (int i = 0; i < N; i++)
		strangers[i] = acquainted("/stranger");
	int other = acquainted(before), gatekeeper = shut();
	for (int i = 0; i < N; i++)
		say(strangers[i], "GET /stranger HTTP/1.1\r\n" HOST "\r\n");
	say(other, "GET /other HTTP/1.1\r\n" HOST "\r\n");
	assert_in_range(open_and_find(), N + 3, N + 2 + ALMS + 1);
	take_answers(strangers, N, "/stranger");
	take_answers(&other, 1, "/other");
	close(gatekeeper);
	stop();
}

/* Who has a key and was refused does not wait behind those who have none. */
static void test_refused_beside_strangers(void **state)
{
	(void)state;
	check_beside_strangers("/status?422");
}

/* Who was refused and asks again at once, one at a time. */
static void test_refused_again(void **state)
{
	(void)state;
	check_beside_strangers("/ok");
}

/* Who goes on sending after his refusal, in turn with those who were refused and ask again. */
static void test_lingering(void **state)
{
	enum { N = 4 };
	int lingering[N];
	(void)state;
	start_behind_gate("/stranger1");
	int refused = acquainted("/stranger"), other = acquainted("/ok");
	for (int i = 0; i < N; i++) {
		lingering[i] = dial();
		inbox_of(lingering[i]);
		say(lingering[i],
		    "POST /small HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n");
		expect(413, NULL);
	}
	int gatekeeper = shut();
	for (int i = 0; i < N; i++)
		push(lingering[i], (struct str){ big, 10000 }, SIZE_MAX);
	say(refused, "GET /stranger1 HTTP/1.1\r\n" HOST "\r\n");
	say(other, GET_OK);
	assert_int_equal(open_and_find(), 2 + N + 1 + 2);
	for (int i = 0; i < N; i++) {
		inbox_of(lingering[i]);
		push(lingering[i], (struct str){ big, 200000 }, SIZE_MAX);
		shutdown(lingering[i], SHUT_WR);
		expect_end();
		close(lingering[i]);
	}
	close(refused);
	close(other);
	close(gatekeeper);
	stop();
}

/* What many connections have at the same time is passed on in parts. */
static void test_many_at_once(void **state)
{
	enum { N = 300, PART = 256 };
	static int many[N];
	(void)state;
	start_behind_gate("/other");
	for (int i = 0; i < N; i++)
		many[i] = acquainted("/ok");
	int other = acquainted("/ok"), gatekeeper = shut();
	for (int i = 0; i < N; i++)
		say(many[i], GET_OK);
	say(other, "GET /other HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(open_and_find(), N + 2 + N + 1);
	take_answers(many, N, "/ok");
	close(other);
	close(gatekeeper);
	stop();
	assert_in_range(gate.most, PART / 2, PART);
}

/* Whoever takes no answers is asked for no more requests, however many there may be in a queue. */
static void test_untaken(void **state)
{
	struct net_config c = config();
	(void)state;
	start(&c);
	int fd = acquainted("/ok");
	for (int i = 0; i < 60; i++)
		say(fd, "GET /big HTTP/1.1\r\n" HOST "\r\n");
	usleep(200 * 1000);
	assert_in_range(app.n_served, 2, 1 + 2 * 8);
	for (int i = 0; i < 60; i++)
		expect(200, NULL);
	close(fd);
	stop();
}

/* A drain waits for those that wait. */
static void test_drain(void **state)
{
	(void)state;
	start_behind_gate("/stranger0");
	int fd = acquainted("/ok"), gatekeeper = shut();
	say_numbered(fd, "stranger", AHEAD);
	(void)open_and_find();
	net_server_stop(app.server);
	inbox_of(fd);
	expect_numbered("stranger", 0, AHEAD);
	expect_end();
	close(fd);
	close(gatekeeper);
	stop();
}

/* Who is answered with much, though little was asked: it uses up what the others of the crowd get too.
 * How many of the crowd are served before somebody who is known; `before`: what they got first, or NULL. */
static unsigned served_of_crowd(const char *before, const char *what, size_t answer)
{
	enum { N = 60 };
	int crowd[N];
	unsigned first = 1 + 1 + (before ? N : 0) + 1; /* if it is the next after all these */
	char text[200];
	start_behind_gate("/other");
	int other = acquainted("/ok");
	for (int i = 0; i < N; i++)
		crowd[i] = before ? acquainted(before) : dial();
	until(net_server_connections(app.server) == 1 + N);
	int gatekeeper = shut();
	snprintf(text, sizeof(text), "%s?%zu HTTP/1.1\r\n" HOST "\r\n", what, answer);
	for (int i = 0; i < N; i++)
		say(crowd[i], text);
	say(other, "GET /other HTTP/1.1\r\n" HOST "\r\n");
	unsigned place = open_and_find();
	for (int i = 0; i < N; i++) {
		struct answer a;
		inbox_of(crowd[i]);
		assert_true(*what == 'H' ? next_head(&a) : next_answer(&a));
		assert_int_equal(a.body_n, answer);
		close(crowd[i]);
	}
	close(other);
	close(gatekeeper);
	stop();
	assert_in_range(place, first, first + N);
	return place - first;
}

static void test_big_answers(void **state)
{
	static const struct {
		const char *before, *what;
		unsigned kib, least,
			most; /* a unit for 8 KiB that were made, and one for 16 sent */
	} cases[] = {
		{ "/stranger", "GET /stranger/big", 1, 60, 60 },
		{ "/stranger", "GET /stranger/big", 100, 0, 4 },
		{ "/stranger", "HEAD /stranger/big", 100, 0, 5 },
		{ "/stranger", "GET /stranger/big", 1000, 0, 1 },
		/* Whoever asks, if it is known beforehand that whoever asks is answered. */
		{ "/stranger", "GET /all/big", 1000, 0, 1 },
		{ NULL, "GET /all/big", 100, 0, 4 },
		{ NULL, "GET /all/big", 1000, 0, 1 },
		{ "/ok", "GET /all/big", 1000, 0, 1 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_in_range(served_of_crowd(cases[i].before, cases[i].what,
						(size_t)cases[i].kib * 1024),
				cases[i].least, cases[i].most);
}

/* ---- Without a server: what is owed ---- */

/* A connection to which turns can be given without anything coming of it. */
static struct conn of_loop(struct net_loop *loop, enum conn_standing standing)
{
	return (struct conn){ .loop = loop, .state = CONN_CLOSED, .standing = standing };
}

static bool may_begin_at_once(struct conn *c)
{
	turns_arrive(c);
	return turns_begin(c);
}

static void is_answered(struct conn *c, size_t made, size_t sent)
{
	struct request req = { .welcome = true, .ready = true, .status = 200, .reply_bytes = sent };
	turns_served(c, &req, made);
}

static unsigned rounds_until_turn(struct conn *c)
{
	unsigned n = 0;
	for (turns_wait(c); !turns_give(c->loop); n++) {
		turns_end_round(c->loop);
		uv_run(&c->loop->uv, UV_RUN_NOWAIT);
	}
	assert_null(c->waits);
	return n;
}

/* Of a connection whose first request made so much of an answer: how many rounds its next one waits. */
static unsigned rounds_of_debt(size_t made, size_t sent)
{
	struct net_server server = { .n_loops = 0 };
	struct net_loop loop = { .server = &server };
	assert_int_equal(uv_loop_init(&loop.uv), 0);
	turns_init(&loop);
	struct conn c = of_loop(&loop, STANDING_KNOWN), other = of_loop(&loop, STANDING_KNOWN);
	unsigned n = 0;
	assert_true(may_begin_at_once(&c));
	is_answered(&c, made, sent);
	turns_end_round(&loop);
	if (!may_begin_at_once(&c))
		n = 1 + rounds_until_turn(&c);
	/* Others are served at once, whatever that one owes. */
	assert_true(may_begin_at_once(&other));
	uv_close((uv_handle_t *)&loop.turns.again, NULL);
	uv_close((uv_handle_t *)&loop.turns.pace, NULL);
	uv_run(&loop.uv, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop.uv), 0);
	return n;
}

static void test_debt(void **state)
{
	enum { KIB = 1024, OF_ONE_ROUND = 512 * KIB };
	static const struct {
		size_t made, sent; /* bytes */
		unsigned rounds;
	} cases[] = {
		{ 0, 400, 0 },
		{ 60 * KIB, 0, 0 },
		{ OF_ONE_ROUND, 0, 0 },
		{ 2 * OF_ONE_ROUND, 0, 2 },
		{ 5 * OF_ONE_ROUND, 0, 5 },
		{ 50 * OF_ONE_ROUND, 0, 50 },
		{ 0, 2048 * KIB, 2 },
		{ 4 * OF_ONE_ROUND, 1024 * KIB, 5 },
		{ SIZE_MAX, SIZE_MAX, 512 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(rounds_of_debt(cases[i].made, cases[i].sent), cases[i].rounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sent_ahead),
		cmocka_unit_test(test_heavy),
		cmocka_unit_test(test_heavy_refused),
		cmocka_unit_test(test_untaken),
		cmocka_unit_test(test_refused_again),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_lingering),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_refused_beside_strangers),
		cmocka_unit_test(test_big_answers),
		cmocka_unit_test(test_debt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
