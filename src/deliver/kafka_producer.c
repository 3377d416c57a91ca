#include "deliver/kafka_producer.h"

#include "base/address.h"
#include "base/fail.h"
#include "base/log.h"
#include "deliver/bell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BARRED_AFTER_MS = 5 * 1000,
	LOG_LINES_MAX = 5,        /* of one producer ... */
	LOG_EVERY_MS = 60 * 1000, /* ... in that time */
	SYSLOG_WARNING = 4,
};

/* --- Called by librdkafka's threads --- */

static bool may_log(struct producer *p)
{
	int64_t now = time_monotonic_ms(), from = atomic_load(&p->log_from_ms);
	if (now - from >= LOG_EVERY_MS &&
	    atomic_compare_exchange_strong(&p->log_from_ms, &from, now))
		atomic_store(&p->log_lines, 0);
	return !atomic_load(&p->closing) && atomic_fetch_add(&p->log_lines, 1) < LOG_LINES_MAX;
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	struct producer *p = rk ? rd_kafka_opaque(rk) : NULL;
	if (p && may_log(p))
		log_line(level <= SYSLOG_WARNING ? LOG_WARNING : LOG_INFO, "kafka",
			 (const struct log_field[]){ LOG_S("destination", p->name),
						     LOG_S("what", facility),
						     LOG_S("text", text),
						     { 0 } });
}

/* Whatever name led there, and whichever broker named it. */
static int on_connect(int fd, const struct sockaddr *at, int n, const char *broker, void *arg)
{
	struct producer *p = arg;
	int_least64_t never = 0;
	(void)broker;
	if (!p->allow_private && address_is_private(at)) {
		atomic_compare_exchange_strong(&p->refused_at, &never, time_monotonic_ms());
		return EACCES;
	}
	atomic_store(&p->allowed, true);
	return connect(fd, at, (socklen_t)n) < 0 && errno != EINPROGRESS ? errno : 0;
}

bool producer_is_barred(const struct producer *p)
{
	int64_t at = atomic_load(&p->refused_at);
	return at && !atomic_load(&p->allowed) && time_monotonic_ms() - at >= BARRED_AFTER_MS;
}

/* --- Called by producer_serve() --- */

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *arg)
{
	struct producer *p = arg;
	(void)rk;
	if (!m->err)
		p->error[0] = '\0';
	p->report(p, m);
}

/* That all brokers are down says less than what was said of each. */
static void on_error(rd_kafka_t *rk, int err, const char *reason, void *arg)
{
	struct producer *p = arg;
	(void)rk;
	if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
		snprintf(p->error, sizeof(p->error), "%s", reason);
}

void producer_serve(struct producer *p)
{
	while (rd_kafka_poll(p->rk, 0) > 0)
		;
	producer_check(p);
}

void producer_check(struct producer *p)
{
	if (p->retired || !rd_kafka_fatal_error(p->rk, p->error, sizeof(p->error)))
		return;
	log_error("kafka_producer_failed", LOG_S("destination", p->name), LOG_S("cause", p->error));
	p->retired = true;
}

/* --- Set-up --- */

struct setup {
	rd_kafka_conf_t *conf;
	char *why;
	bool failed;
};

static void set(struct setup *s, const char *name, const char *value)
{
	if (!s->failed)
		s->failed = rd_kafka_conf_set(s->conf, name, value, s->why, PRODUCER_ERROR_MAX) !=
			    RD_KAFKA_CONF_OK;
}

static void set_number(struct setup *s, const char *name, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	set(s, name, text);
}

static void set_security(struct setup *s, const struct destination_kafka *k)
{
	static const char *const protocols[] = { "plaintext", "ssl", "sasl_plaintext", "sasl_ssl" };
	set(s, "security.protocol", protocols[k->tls + 2 * (k->sasl != NULL)]);
	set(s, "ssl.endpoint.identification.algorithm", "https");
	if (k->ca.n)
		set(s, "ssl.ca.pem", k->ca.p);
	if (!k->sasl)
		return;
	set(s, "sasl.mechanism", k->sasl);
	set(s, "sasl.username", k->username.p);
	set(s, "sasl.password", k->password.p);
}

/* What the destination may have under way fits into the queue, and no more. */
static void set_limits(struct setup *s, const struct destination *d)
{
	set_number(s, "message.max.bytes", d->kafka.message_max);
	set_number(s, "batch.size", d->kafka.message_max);
	set_number(s, "queue.buffering.max.messages", d->concurrency);
	set_number(s, "queue.buffering.max.kbytes",
		   d->concurrency * (d->kafka.message_max / 1024ULL + 1));
	set_number(s, "receive.message.max.bytes", 16 << 20);
	set_number(s, "message.timeout.ms", PRODUCER_TIMEOUT_MS);
	set_number(s, "linger.ms", 1);
}

static void set_up(struct setup *s, const struct destination *d)
{
	set(s, "client.id", "occurd");
	set(s, "bootstrap.servers", d->kafka.brokers.p);
	set(s, "enable.idempotence", "true");
	set(s, "acks", "all");
	set(s, "partitioner", "murmur2_random"); /* as Kafka's own clients */
	set(s, "topic.metadata.propagation.max.ms", "5000");
	set(s, "socket.keepalive.enable", "true");
	set(s, "socket.nagle.disable", "true");
	set(s, "socket.connection.setup.timeout.ms", "10000");
	set(s, "log.thread.name", "false");
	set(s, "log_level", "5");
	set_limits(s, d);
	set_security(s, &d->kafka);
}

static int make(struct producer *p, const struct destination *d, char *why)
{
	struct setup s = { .conf = rd_kafka_conf_new(), .why = why };
	set_up(&s, d);
	rd_kafka_conf_set_opaque(s.conf, p);
	rd_kafka_conf_set_log_cb(s.conf, on_log);
	rd_kafka_conf_set_connect_cb(s.conf, on_connect);
	rd_kafka_conf_set_dr_msg_cb(s.conf, on_report);
	rd_kafka_conf_set_error_cb(s.conf, on_error);
	if (!s.failed)
		p->rk = rd_kafka_new(RD_KAFKA_PRODUCER, s.conf, why, PRODUCER_ERROR_MAX);
	if (!p->rk)
		rd_kafka_conf_destroy(s.conf); /* else it is the producer's */
	return p->rk ? 0 : 1;
}

/* Only what comes into an empty queue is told, and there may be something in it already. */
static void tell_on(struct producer *p, int bell)
{
	static const uint64_t one = 1;
	p->queue = rd_kafka_queue_get_main(p->rk);
	rd_kafka_queue_io_event_enable(p->queue, bell, &one, sizeof(one));
	bell_ring(bell);
}

int producer_open(const struct destination *d, int bell,
		  void (*report)(struct producer *p, const rd_kafka_message_t *m),
		  struct producer **out, char *why)
{
	struct producer *p = calloc(1, sizeof(*p));
	if (!p)
		return fail(-ENOMEM, "a producer");
	p->destination = d->no;
	if (d->name.n)
		memcpy(p->name, d->name.p, MIN(d->name.n, sizeof(p->name) - 1));
	p->declared_at = d->declared_at;
	p->allow_private = d->allow_private;
	p->report = report;
	if (make(p, d, why) > 0) {
		free(p);
		return 1;
	}
	tell_on(p, bell);
	*out = p;
	return 0;
}

/* --- The end --- */

static void *close_main(void *arg)
{
	struct producer *p = arg;
	rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	rd_kafka_destroy(p->rk);
	return NULL;
}

void producer_close(struct producer *p)
{
	atomic_store(&p->closing, true);
	rd_kafka_queue_io_event_enable(p->queue, -1, NULL, 0);
	rd_kafka_queue_destroy(p->queue);
	p->has_closer = pthread_create(&p->closer, NULL, close_main, p) == 0;
	if (p->has_closer)
		pthread_setname_np(p->closer, "kafka-close");
	else
		close_main(p);
}

bool producer_gone(struct producer *p, const struct timespec *until)
{
	if (p->has_closer && (until ? pthread_clockjoin_np(p->closer, NULL, CLOCK_MONOTONIC, until)
				    : pthread_tryjoin_np(p->closer, NULL)) != 0)
		return false;
	free(p);
	return true;
}
