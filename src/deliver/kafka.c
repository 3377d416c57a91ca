/*
 * Kafka: one message per attempt; its report says what came of it. librdkafka tries for as long as
 * an attempt may last, and finds out by itself what it has sent twice; between attempts nobody does,
 * so the header "delivery-id" is the same with each.
 *
 *   no error     delivered
 *   too large    for what the destination says of its brokers: dead at once
 *   invalid      the broker has judged the message itself: dead
 *   private      no broker has an address that the destination allows: dead
 *   all else     tried again
 *
 * A destination has a producer from its first delivery until it is changed. A producer that says
 * that it can never again keep its promises is replaced by another.
 */
#include "base/fail.h"
#include "deliver/bell.h"
#include "deliver/kafka_producer.h"
#include "deliver/rules.h"
#include "deliver/sender.h"

#include <errno.h>
#include <stdlib.h>

enum { CLOSE_S = 2 }; /* librdkafka may take one to notice */

LIST_HEAD(producer_list, producer);

struct kafka {
	struct http *http;
	int bell; /* of all producers; -1: there was none yet */
	struct producer_list producers, closing;
};

/* --- What came of it --- */

static enum attempt_outcome judge(rd_kafka_resp_err_t err, bool barred)
{
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		return ATTEMPT_DELIVERED;
	return barred || err == RD_KAFKA_RESP_ERR_INVALID_RECORD ? ATTEMPT_DEAD : ATTEMPT_RETRY;
}

static void end_attempt(struct attempt *a, enum attempt_outcome outcome, struct str answer)
{
	instant_us now = time_now();
	a->outcome = outcome;
	a->status = 0;
	a->retry_after_s = -1;
	a->answer = answer.p ? answer : STR("");
	a->duration_ms = now > a->now ? (now - a->now) / 1000 : 0;
	a->done(a);
}

static void end_unasked(struct attempt *a, struct str answer)
{
	a->unasked = true;
	end_attempt(a, ATTEMPT_DEAD, answer);
}

static struct str explain(struct producer *p, struct arena *a, rd_kafka_resp_err_t err)
{
	producer_check(p);
	const char *text = rd_kafka_err2str(err);
	if (p->error[0])
		return arena_printf(a, "%s; %s", text, p->error);
	return arena_printf(a, "%s", text);
}

static struct str tell(struct producer *p, struct arena *a, const rd_kafka_message_t *m,
		       bool barred)
{
	if (barred)
		return STR("the address is private");
	if (m->err)
		return explain(p, a, m->err);
	return arena_printf(a, "partition %d, offset %lld", m->partition, (long long)m->offset);
}

static void on_report(struct producer *p, const rd_kafka_message_t *m)
{
	struct attempt *a = m->_private;
	bool barred = m->err && producer_is_barred(p);
	p->n_busy--;
	a->unasked = barred;
	end_attempt(a, judge(m->err, barred), tell(p, &a->arena, m, barred));
}

/* --- Producers --- */

static void close_if_over(struct kafka *k, struct producer *p)
{
	if (!p->retired || p->n_busy > 0)
		return;
	LIST_REMOVE(p, link);
	LIST_INSERT_HEAD(&k->closing, p, link);
	producer_close(p);
}

/* Those that have ended by now are freed. */
static void forget_closed(struct kafka *k)
{
	struct producer *next;
	for (struct producer *p = LIST_FIRST(&k->closing); p; p = next) {
		next = LIST_NEXT(p, link);
		LIST_REMOVE(p, link);
		if (!producer_gone(p, NULL))
			LIST_INSERT_HEAD(&k->closing, p, link);
	}
}

static void serve_all(void *arg)
{
	struct kafka *k = arg;
	struct producer *next;
	bell_hush(k->bell);
	for (struct producer *p = LIST_FIRST(&k->producers); p; p = next) {
		next = LIST_NEXT(p, link);
		producer_serve(p);
		close_if_over(k, p);
	}
}

static int open_bell(struct kafka *k)
{
	return k->bell >= 0 ? 0 : pass(bell_open(k->http, serve_all, k, &k->bell));
}

static struct producer *find_producer(const struct kafka *k, const struct destination *d)
{
	struct producer *p;
	LIST_FOREACH(p, &k->producers, link)
	if (p->destination == d->no && p->declared_at == d->declared_at && !p->retired)
		return p;
	return NULL;
}

/* Above zero: `why` it cannot be. */
static int add_producer(struct kafka *k, const struct destination *d, struct producer **out,
			char *why)
{
	forget_closed(k);
	int r = open_bell(k);
	if (r < 0)
		return pass(r);
	r = producer_open(d, k->bell, on_report, out, why);
	if (r == 0)
		LIST_INSERT_HEAD(&k->producers, *out, link);
	return r;
}

/* --- Attempts --- */

static rd_kafka_headers_t *make_headers(const struct attempt *a)
{
	const struct {
		const char *name;
		struct str value;
	} list[] = {
		{ "content-type", STR("application/json") },
		{ "delivery-id", a->id },
		{ "definition", a->event->definition },
		{ "automation", a->automation->name },
	};
	rd_kafka_headers_t *headers = rd_kafka_headers_new(ARRAY_LEN(list));
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		rd_kafka_header_add(headers, list[i].name, -1, list[i].value.p,
				    (ssize_t)list[i].value.n);
	return headers;
}

static rd_kafka_resp_err_t produce(struct producer *p, struct attempt *a)
{
	char key[UUID_TEXT + 1];
	rd_kafka_headers_t *headers = make_headers(a);
	uuid_text(a->event->contact_id, key);
	rd_kafka_resp_err_t err = rd_kafka_producev(
		p->rk, RD_KAFKA_V_TOPIC(a->destination->kafka.topic.p),
		RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, UUID_TEXT),
		RD_KAFKA_V_VALUE((void *)a->body.p, a->body.n), RD_KAFKA_V_HEADERS(headers),
		RD_KAFKA_V_OPAQUE(a), RD_KAFKA_V_END);
	if (err)
		rd_kafka_headers_destroy(headers); /* else they are the message's */
	return err;
}

static void begin(struct producer *p, struct attempt *a)
{
	if (producer_is_barred(p))
		return end_unasked(a, STR("the address is private"));
	rd_kafka_resp_err_t err = produce(p, a);
	if (!err)
		p->n_busy++;
	else if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
		end_unasked(a, STR("larger than message_max_bytes"));
	else
		end_attempt(a, ATTEMPT_RETRY, explain(p, &a->arena, err));
}

static int kafka_send(struct http *h, struct attempt *a)
{
	char why[PRODUCER_ERROR_MAX];
	struct producer *p = find_producer(a->kept, a->destination);
	(void)h;
	int r = p ? 0 : add_producer(a->kept, a->destination, &p, why);
	if (r < 0)
		return pass(r);
	if (r > 0)
		end_attempt(a, ATTEMPT_RETRY, arena_str(&a->arena, str_of(why)));
	else
		begin(p, a);
	return 0;
}

/* --- Life --- */

static int kafka_open(struct http *h, void **kept)
{
	struct kafka *k = calloc(1, sizeof(*k));
	if (!k)
		return fail(-ENOMEM, "Kafka");
	k->http = h;
	k->bell = -1;
	LIST_INIT(&k->producers);
	LIST_INIT(&k->closing);
	*kept = k;
	return 0;
}

static bool is_in_force(const struct rules *rules, const struct producer *p)
{
	for (unsigned i = 0; i < rules->n_destinations; i++) {
		const struct destination *d = &rules->destinations[i];
		if (d->no == p->destination)
			return d->declared_at == p->declared_at && !d->disabled;
	}
	return false;
}

static void kafka_refresh(void *kept, const struct rules *in_force)
{
	struct kafka *k = kept;
	struct producer *next;
	for (struct producer *p = LIST_FIRST(&k->producers); p; p = next) {
		next = LIST_NEXT(p, link);
		p->retired |= !is_in_force(in_force, p);
		close_if_over(k, p);
	}
	forget_closed(k);
}

/* All at once, for each may wait for a name. Who does not end in time is left to the process's own
 * end. */
static void kafka_close(void *kept)
{
	struct kafka *k = kept;
	struct producer *p;
	struct timespec until;
	while ((p = LIST_FIRST(&k->producers))) {
		p->retired = true;
		p->n_busy = 0;
		close_if_over(k, p);
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSE_S;
	while ((p = LIST_FIRST(&k->closing))) {
		LIST_REMOVE(p, link);
		if (!producer_gone(p, &until))
			pthread_detach(p->closer);
	}
	if (k->bell >= 0)
		bell_close(k->http, k->bell);
	free(k);
}

const struct sender kafka = {
	.type = DESTINATION_KAFKA,
	.open = kafka_open,
	.refresh = kafka_refresh,
	.close = kafka_close,
	.send = kafka_send,
};
