/*
 * librdkafka's mock cluster as a process of its own, for tests that drive the real binary. Says what
 * its brokers are, then answers each line of standard input by one line of JSON; ends with it.
 *
 *   error API CODE N   the next N requests of that kind are answered with the error; -195 hangs up
 *   topic NAME CODE    what metadata says of the topic; 0: nothing is wrong with it
 *   rtt MS             how long every answer takes
 *   down, up           all brokers
 *   messages TOPIC     all that is there, in the order of partitions and offsets
 */
#include "base/buf.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	WAIT_MS = 10 * 1000,
	MEMORY_MAX = 256 << 20,
	PARTITIONS_MAX = 64,
	WORD_MAX = 256,
};

static rd_kafka_t *host;
static rd_kafka_mock_cluster_t *cluster;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "mock_kafka: %s: %s\n", what, why);
	exit(1);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char why[200];
	if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
		die(name, why);
}

static rd_kafka_t *make(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
	char why[200];
	rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof(why));
	if (!rk)
		die("librdkafka", why);
	return rk;
}

/* --- Reading back --- */

static rd_kafka_t *open_reader(void)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster));
	set(conf, "group.id", "reader");
	set(conf, "enable.partition.eof", "true");
	set(conf, "fetch.wait.max.ms", "10");
	rd_kafka_t *rk = make(RD_KAFKA_CONSUMER, conf);
	rd_kafka_poll_set_consumer(rk);
	return rk;
}

/* How many there are of it; 0: it is unknown. */
static int count_partitions(rd_kafka_t *rk, const char *topic)
{
	const struct rd_kafka_metadata *m;
	rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
	rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, t, &m, WAIT_MS);
	rd_kafka_topic_destroy(t);
	if (err)
		die("metadata", rd_kafka_err2str(err));
	int n = m->topic_cnt == 1 ? m->topics[0].partition_cnt : 0;
	rd_kafka_metadata_destroy(m);
	return MIN(n, PARTITIONS_MAX);
}

static void put_headers(struct buf *b, const rd_kafka_message_t *m)
{
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t n;
	if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &n); i++) {
		buf_put(b, i ? STR(",") : STR(""));
		buf_json_str(b, str_of(name));
		buf_char(b, ':');
		buf_json_str(b, (struct str){ value, n });
	}
}

static void put_message(struct buf *b, const rd_kafka_message_t *m)
{
	buf_printf(b, "{\"partition\":%d,\"offset\":%lld,\"key\":", m->partition,
		   (long long)m->offset);
	buf_json_str(b, (struct str){ m->key, m->key_len });
	buf_lit(b, ",\"headers\":{");
	put_headers(b, m);
	buf_lit(b, "},\"value\":");
	buf_json_str(b, (struct str){ m->payload, m->len });
	buf_char(b, '}');
}

/* All of it into `parts`, one per partition. */
static void read_partitions(rd_kafka_t *rk, struct buf *parts, int n)
{
	for (int ended = 0; ended < n;) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, WAIT_MS);
		if (!m)
			die("messages", "they do not come");
		ended += m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		if (m->err && m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
			fprintf(stderr, "mock_kafka: %s\n", rd_kafka_message_errstr(m));
		if (!m->err) {
			struct buf *b = &parts[m->partition];
			buf_put(b, b->n ? STR(",") : STR(""));
			put_message(b, m);
		}
		rd_kafka_message_destroy(m);
	}
}

static void say_messages(const char *topic)
{
	struct arena a;
	struct buf parts[PARTITIONS_MAX], all;
	rd_kafka_t *rk = open_reader();
	int n = count_partitions(rk, topic);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
	arena_init(&a, MEMORY_MAX, NULL);
	for (int i = 0; i < n; i++) {
		parts[i] = buf_in(&a);
		rd_kafka_topic_partition_list_add(list, topic, i)->offset =
			RD_KAFKA_OFFSET_BEGINNING;
	}
	rd_kafka_assign(rk, list);
	read_partitions(rk, parts, n);
	all = buf_in(&a);
	for (int i = 0; i < n; i++) {
		buf_put(&all, all.n && parts[i].n ? STR(",") : STR(""));
		buf_put(&all, buf_str(&parts[i]));
	}
	printf("{\"messages\":[" STR_FMT "]}\n", STR_ARG(buf_str(&all)));
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	arena_fini(&a);
}

/* --- Commands --- */

static void push_errors(int api, int code, int n)
{
	for (int i = 0; i < n; i++)
		rd_kafka_mock_push_request_errors(cluster, (int16_t)api, 1,
						  (rd_kafka_resp_err_t)code);
}

static void obey(const char *line)
{
	char word[WORD_MAX] = "", name[WORD_MAX] = "";
	int x = 0, y = 0, z = 0;
	sscanf(line, "%255s", word);
	if (sscanf(line, "error %d %d %d", &x, &y, &z) == 3)
		push_errors(x, y, z);
	else if (sscanf(line, "topic %255s %d", name, &x) == 2)
		rd_kafka_mock_topic_set_error(cluster, name, (rd_kafka_resp_err_t)x);
	else if (sscanf(line, "rtt %d", &x) == 1)
		rd_kafka_mock_broker_set_rtt(cluster, -1, x);
	else if (strcmp(word, "down") == 0)
		rd_kafka_mock_broker_set_down(cluster, -1);
	else if (strcmp(word, "up") == 0)
		rd_kafka_mock_broker_set_up(cluster, -1);
	else if (sscanf(line, "messages %255s", name) == 1)
		return say_messages(name);
	else
		die("no such command", line);
	puts("{}");
}

int main(void)
{
	char line[2 * WORD_MAX];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	signal(SIGPIPE, SIG_IGN);
	set(conf, "log_level", "3");
	host = make(RD_KAFKA_PRODUCER, conf);
	cluster = rd_kafka_mock_cluster_new(host, 1);
	if (!cluster)
		die("the cluster", "it cannot be made");
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("{\"brokers\":\"%s\"}\n", rd_kafka_mock_cluster_bootstraps(cluster));
	while (fgets(line, sizeof(line), stdin))
		obey(line);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(host);
	return 0;
}
