/* Kafka against librdkafka's mock cluster, which stands in this process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deliver/rules.h"
#include "deliver/sender.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WAIT_MS = 40 * 1000, PRODUCE = 0, METADATA = 3, INIT_PRODUCER_ID = 22 };

/* --- The cluster, and what delivers to it --- */

static rd_kafka_t *host;
static rd_kafka_mock_cluster_t *cluster;
static struct http *http;
static void *kept;
static unsigned n_done;

static int open_all(void **state)
{
	char why[200];
	(void)state;
	host = rd_kafka_new(RD_KAFKA_PRODUCER, NULL, why, sizeof(why));
	cluster = host ? rd_kafka_mock_cluster_new(host, 1) : NULL;
	n_done = 0;
	return cluster && http_new(&http) == 0 && kafka.open(http, &kept) == 0 ? 0 : -1;
}

static int close_all(void **state)
{
	(void)state;
	if (kept)
		kafka.close(kept);
	http_free(http);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(host);
	return 0;
}

struct trial {
	struct attempt attempt;
	struct destination destination;
	struct automation automation;
	struct event_row event;
};

static void on_done(struct attempt *a)
{
	(void)a;
	n_done++;
}

static void trial_init(struct trial *t)
{
	memset(t, 0, sizeof(*t));
	arena_init(&t->attempt.arena, 1 << 20, NULL);
	t->destination = (struct destination){
		.no = 1,
		.declared_at = 1,
		.type = DESTINATION_KAFKA,
		.allow_private = true,
		.concurrency = 10,
		.kafka = { .brokers = str_of(rd_kafka_mock_cluster_bootstraps(cluster)),
			   .topic = STR("events"),
			   .message_max = 1000 },
	};
	t->automation.name = STR("all");
	t->event.definition = STR("order.completed");
	t->event.contact_id = uuid_v4();
	t->attempt.destination = &t->destination;
	t->attempt.automation = &t->automation;
	t->attempt.event = &t->event;
	t->attempt.kept = kept;
	t->attempt.id = STR("msg_1");
	t->attempt.now = time_now();
	t->attempt.body = STR("{\"test\":1}");
	t->attempt.done = on_done;
}

static void trial_begin(struct trial *t)
{
	assert_int_equal(kafka.send(http, &t->attempt), 0);
}

static void await(unsigned n)
{
	int64_t until = time_monotonic_ms() + WAIT_MS;
	while (n_done < n && time_monotonic_ms() < until)
		http_run(http, 1000);
	assert_int_equal(n_done, n);
}

static void trial_run(struct trial *t)
{
	unsigned before = n_done;
	trial_begin(t);
	await(before + 1);
}

static void assert_said(const struct trial *t, const char *part)
{
	if (!memmem(t->attempt.answer.p, t->attempt.answer.n, part, strlen(part)))
		fail_msg("\"" STR_FMT "\" has no \"%s\"", STR_ARG(t->attempt.answer), part);
}

static void push(int16_t api, rd_kafka_resp_err_t error)
{
	rd_kafka_mock_push_request_errors(cluster, api, 1, error);
}

/* --- What comes of it --- */

static void test_delivered(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct trial t;
		trial_init(&t);
		t.event.contact_id = (struct uuid){ { 1 } };
		trial_run(&t);
		assert_int_equal(t.attempt.outcome, ATTEMPT_DELIVERED);
		assert_int_equal(t.attempt.status, 0);
		assert_said(&t, i == 2 ? "offset 2" : i ? "offset 1" : "offset 0");
		arena_fini(&t.attempt.arena);
	}
}

static void try_error(int16_t api, rd_kafka_resp_err_t error, enum attempt_outcome outcome,
		      const char *said)
{
	struct trial t;
	trial_init(&t);
	push(api, error);
	trial_run(&t);
	if (t.attempt.outcome != outcome)
		fail_msg("%s: %d, " STR_FMT, rd_kafka_err2name(error), t.attempt.outcome,
			 STR_ARG(t.attempt.answer));
	assert_said(&t, said);
	arena_fini(&t.attempt.arena);
}

/* What librdkafka puts right by itself is no failure. */
static void test_errors(void **state)
{
	(void)state;
	try_error(PRODUCE, RD_KAFKA_RESP_ERR_INVALID_RECORD, ATTEMPT_DEAD, "record");
	try_error(PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ATTEMPT_RETRY, "too large");
	try_error(PRODUCE, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, ATTEMPT_DELIVERED, "offset");
	try_error(PRODUCE, RD_KAFKA_RESP_ERR__TRANSPORT, ATTEMPT_DELIVERED, "offset");
	try_error(PRODUCE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, ATTEMPT_DELIVERED, "offset");
	try_error(METADATA, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, ATTEMPT_DELIVERED, "offset");
	try_error(PRODUCE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ATTEMPT_RETRY,
		  "authorization");
}

/* A producer that can keep its promises no more is replaced. */
static void test_fatal(void **state)
{
	struct trial t, u;
	(void)state;
	trial_init(&t);
	push(INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED);
	trial_run(&t);
	assert_int_equal(t.attempt.outcome, ATTEMPT_RETRY);
	assert_said(&t, "authoriz");
	trial_init(&u);
	trial_run(&u);
	assert_int_equal(u.attempt.outcome, ATTEMPT_DELIVERED);
	arena_fini(&t.attempt.arena);
	arena_fini(&u.attempt.arena);
}

static void test_larger_than_it_may(void **state)
{
	static char body[1001];
	struct trial t;
	(void)state;
	trial_init(&t);
	t.attempt.body = (struct str){ body, sizeof(body) };
	trial_begin(&t);
	assert_int_equal(n_done, 1);
	assert_int_equal(t.attempt.outcome, ATTEMPT_DEAD);
	assert_said(&t, "message_max_bytes");
	arena_fini(&t.attempt.arena);
}

/* It is there again for those who come after it has been made. */
static void test_unknown_topic(void **state)
{
	struct trial t, u;
	(void)state;
	rd_kafka_mock_topic_set_error(cluster, "events", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	trial_init(&t);
	trial_run(&t);
	assert_int_equal(t.attempt.outcome, ATTEMPT_RETRY);
	assert_said(&t, "topic");
	rd_kafka_mock_topic_set_error(cluster, "events", RD_KAFKA_RESP_ERR_NO_ERROR);
	do {
		trial_init(&u);
		trial_run(&u);
		arena_fini(&u.attempt.arena);
	} while (u.attempt.outcome != ATTEMPT_DELIVERED && n_done < 1000 && usleep(100000) == 0);
	assert_int_equal(u.attempt.outcome, ATTEMPT_DELIVERED);
	arena_fini(&t.attempt.arena);
}

/* Nobody there, nobody answering, only an address that is not allowed. All at once, for each takes as
 * long as an attempt may. */
static void test_time_is_up(void **state)
{
	struct trial nobody, mute, barred, again;
	(void)state;
	trial_init(&nobody);
	nobody.destination.kafka.brokers = STR("127.0.0.1:1");
	trial_begin(&nobody);
	trial_init(&mute);
	mute.destination.no = 2;
	rd_kafka_mock_broker_set_rtt(cluster, -1, 60 * 1000);
	trial_begin(&mute);
	trial_init(&barred);
	barred.destination.no = 3;
	barred.destination.allow_private = false;
	trial_begin(&barred);
	await(3);
	assert_int_equal(nobody.attempt.outcome, ATTEMPT_RETRY);
	assert_said(&nobody, "Connection refused");
	assert_int_equal(mute.attempt.outcome, ATTEMPT_RETRY);
	assert_said(&mute, "timed out");
	assert_int_equal(barred.attempt.outcome, ATTEMPT_DEAD);
	assert_said(&barred, "the address is private");
	trial_init(&again);
	again.destination = barred.destination;
	trial_begin(&again);
	assert_int_equal(n_done, 4); /* it is known by now */
	assert_int_equal(again.attempt.outcome, ATTEMPT_DEAD);
	arena_fini(&nobody.attempt.arena);
	arena_fini(&mute.attempt.arena);
	arena_fini(&barred.attempt.arena);
	arena_fini(&again.attempt.arena);
}

/* --- Life --- */

static struct rules rules_with(struct destination *d, unsigned n)
{
	return (struct rules){ .destinations = d, .n_destinations = n };
}

/* Changed, gone, gone while a message is under way. */
static void test_refreshed(void **state)
{
	struct trial t, u;
	struct destination other;
	(void)state;
	trial_init(&t);
	trial_run(&t);
	trial_init(&u);
	rd_kafka_mock_broker_set_rtt(cluster, -1, 500);
	trial_begin(&u);
	other = t.destination;
	other.declared_at++;
	struct rules changed = rules_with(&other, 1), none = rules_with(NULL, 0);
	kafka.refresh(kept, &changed);
	await(2);
	assert_int_equal(u.attempt.outcome, ATTEMPT_DELIVERED);
	arena_fini(&u.attempt.arena);
	trial_init(&u);
	u.destination = other;
	trial_run(&u);
	assert_int_equal(u.attempt.outcome, ATTEMPT_DELIVERED);
	kafka.refresh(kept, &none);
	kafka.refresh(kept, &none);
	arena_fini(&t.attempt.arena);
	arena_fini(&u.attempt.arena);
}

/* What is under way then is dropped, and nobody is told. */
static void test_closed(void **state)
{
	struct trial t, u;
	(void)state;
	trial_init(&t);
	t.destination.kafka.brokers = STR("127.0.0.1:1,nobody.invalid:9092");
	trial_begin(&t);
	trial_init(&u);
	u.destination.no = 2;
	rd_kafka_mock_broker_set_rtt(cluster, -1, 5000);
	trial_begin(&u);
	http_run(http, 200);
	kafka.close(kept);
	kept = NULL;
	assert_int_equal(n_done, 0);
	arena_fini(&t.attempt.arena);
	arena_fini(&u.attempt.arena);
}

static void test_cannot_be_set_up(void **state)
{
	struct trial t;
	(void)state;
	trial_init(&t);
	t.destination.kafka.tls = true;
	t.destination.kafka.ca = STR("no certificate");
	trial_begin(&t);
	assert_int_equal(n_done, 1);
	assert_int_equal(t.attempt.outcome, ATTEMPT_RETRY);
	assert_said(&t, "ssl.ca.pem");
	arena_fini(&t.attempt.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)
		CASE(test_delivered),
		CASE(test_errors),
		CASE(test_fatal),
		CASE(test_larger_than_it_may),
		CASE(test_unknown_topic),
		CASE(test_time_is_up),
		CASE(test_refreshed),
		CASE(test_closed),
		CASE(test_cannot_be_set_up),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
