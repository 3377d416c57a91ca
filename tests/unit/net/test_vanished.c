/*
 * Peers that vanish without a word, as with a cable that is pulled: no end and no reset comes, and
 * what is sent to them goes nowhere. In a network of its own, which only this program sees; the
 * loopback interface is the cable.
 */
#include "harness.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

/* A stream that says something at every beat. */
struct ticker {
	struct reply_stream out;
	bool over;
};

static void tick(struct reply_stream *out)
{
	struct ticker *t = (struct ticker *)out;
	if (t->over)
		return;
	t->over = reply_stream_is_gone(out);
	if (t->over)
		reply_stream_end(out);
	else if (out->beat && reply_stream_is_free(out))
		reply_stream_put(out, STR("tick\n"));
}

static void serve_ticker(void *ctx, struct request *req)
{
	if (!str_eq(req->path, STR("/tick")))
		return serve(ctx, req);
	struct ticker *t = arena_new(&req->arena, struct ticker);
	atomic_fetch_add(&app.n_served, 1);
	t->out.look = tick;
	reply_begin(req, 200);
	assert_true(reply_stream_begin(req, STR("text/plain"), &t->out));
}

static void set_cable(bool plugged)
{
	struct ifreq lo = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &lo), 0);
	lo.ifr_flags = (short)(plugged ? lo.ifr_flags | IFF_UP : lo.ifr_flags & ~IFF_UP);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	close(fd);
}

/* What each has said when the cable is pulled, and whether it was answered before. */
static const struct {
	const char *says;
	bool answered;
} peers[] = {
	{ "", false },
	{ "GET / HTTP/1.1\r\nHost: a\r\nX", false },
	{ POST "Content-Length: 5\r\n\r\nhell", false },
	{ GET_OK, true },
	{ "GET /tick HTTP/1.1\r\n" HOST "\r\n", true },
	{ "GET /big HTTP/1.1\r\n" HOST "\r\n", true },
};

static int alone;

static void test_vanished(void **state)
{
	struct net_config c = config();
	struct net_limits *l = &c.limits;
	int fds[ARRAY_LEN(peers)];
	(void)state;
	if (alone < 0)
		skip(); /* containers may not make networks */
	set_cable(true);
	l->head_ms = l->body_ms = l->idle_ms = l->write_ms = 500;
	l->beat_ms = 50;
	c.app.serve = serve_ticker;
	start(&c);
	for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
		fds[i] = dial();
		inbox_of(fds[i]);
		say(fds[i], peers[i].says);
		if (peers[i].answered)
			assert_true(more());
	}
	until(net_server_connections(app.server) == ARRAY_LEN(peers));
	set_cable(false);
	until(net_server_connections(app.server) == 0);
	set_cable(true);
	for (size_t i = 0; i < ARRAY_LEN(peers); i++)
		close(fds[i]);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vanished),
	};
	alone = unshare(CLONE_NEWNET);
	if (alone < 0)
		alone = unshare(CLONE_NEWUSER | CLONE_NEWNET);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
