/* What a destination of type kafka says: which brokers, which topic, and who is asking. */
#include "model/destination_private.h"

#include "base/address.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>

enum {
	BROKERS_MAX = 20,
	MESSAGE_BYTES = 1000000, /* below what a broker takes when nobody has said otherwise */
};

static const char *const mechanisms[] = { "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512" };

static bool is_of(struct str s, const char *more)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool plain =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!plain && (c == '\0' || !strchr(more, c)))
			return false;
	}
	return true;
}

/* --- Brokers --- */

/* What stands between brackets may hold colons: an address of IPv6. */
static bool is_host(struct str host)
{
	bool bracketed = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
	if (bracketed)
		return is_of((struct str){ host.p + 1, host.n - 2 }, ":.");
	return host.n > 0 && is_of(host, ".-_");
}

static bool is_broker(struct str s)
{
	return is_host(destination_host(s)) && destination_has_port(s);
}

static void read_brokers(struct destination_reader *r)
{
	struct str all = json_str(r->v[BROKERS]), rest = all;
	bool good = true, private = false;
	unsigned n = 0;
	for (bool more = true; more && good; n++) {
		size_t end = str_find(rest, ',');
		struct str broker = str_trim(str_head(rest, end));
		good = is_broker(broker);
		private |= address_host_is_private(destination_host(broker));
		more = end < rest.n;
		rest = str_from(rest, end + more);
	}
	if (!good || n > BROKERS_MAX)
		return destination_wrong(r, BROKERS, PROBLEM_FORMAT,
					 "list of up to 20 host:port with commas between");
	if (private && !r->out->allow_private)
		return destination_wrong(r, BROKERS, PROBLEM_FORMAT,
					 "list of " DESTINATION_PRIVATES);
	r->out->kafka.brokers = spec_copy(&r->spec, all);
}

/* --- Topic --- */

static void read_topic(struct destination_reader *r)
{
	struct str topic = json_str(r->v[TOPIC]);
	if (!is_of(topic, "._-") || str_eq(topic, STR(".")) || str_eq(topic, STR("..")))
		return destination_wrong(r, TOPIC, PROBLEM_FORMAT,
					 "topic: letters, digits, \".\", \"_\" and \"-\"");
	r->out->kafka.topic = spec_copy(&r->spec, topic);
}

/* --- Security --- */

/* One certificate or more and nothing that could be another. */
static bool is_certificates(struct str pem)
{
	BIO *from = pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	X509 *one;
	unsigned n = 0;
	while (from && (one = PEM_read_bio_X509(from, NULL, NULL, (void *)""))) {
		X509_free(one);
		n++;
	}
	bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	BIO_free(from);
	return n > 0 && at_end;
}

static void read_tls(struct destination_reader *r)
{
	r->out->kafka.tls = spec_boolean(r->v[TLS], false);
	if (!r->v[CA])
		return;
	struct str pem = json_str(r->v[CA]);
	if (!r->out->kafka.tls)
		return destination_wrong(r, CA, PROBLEM_CLASH, "\"tls\": false");
	if (memchr(pem.p, '\0', pem.n) || !is_certificates(pem))
		return destination_wrong(r, CA, PROBLEM_FORMAT,
					 "certificate in PEM, or several of them");
	r->out->kafka.ca = spec_copy(&r->spec, pem);
}

static void read_mechanism(struct destination_reader *r)
{
	struct str name = json_str(r->v[SASL]);
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
		if (str_eq(name, str_of(mechanisms[i])))
			r->out->kafka.sasl = mechanisms[i];
	if (!r->out->kafka.sasl)
		destination_wrong(r, SASL, PROBLEM_VALUE, "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512");
}

static void read_text(struct destination_reader *r, unsigned member, struct str *out)
{
	struct str text = json_str(r->v[member]);
	if (memchr(text.p, '\0', text.n))
		return destination_wrong(r, member, PROBLEM_FORMAT, "text without U+0000");
	*out = spec_copy(&r->spec, text);
}

/* All three or none. */
static void read_sasl(struct destination_reader *r)
{
	static const unsigned all[] = { SASL, USERNAME, PASSWORD };
	unsigned before = r->spec.problems->found;
	if (!r->v[SASL] && !r->v[USERNAME] && !r->v[PASSWORD])
		return;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (!r->v[all[i]])
			destination_wrong(r, all[i], PROBLEM_REQUIRED, NULL);
	if (r->spec.problems->found > before)
		return;
	read_mechanism(r);
	read_text(r, USERNAME, &r->out->kafka.username);
	read_text(r, PASSWORD, &r->out->kafka.password);
}

void destination_read_kafka(struct destination_reader *r)
{
	r->out->allow_private = spec_boolean(r->v[ALLOW_PRIVATE], false);
	r->out->kafka.message_max = (uint32_t)spec_integer(r->v[MESSAGE_MAX], MESSAGE_BYTES);
	if (r->v[BROKERS])
		read_brokers(r);
	else
		destination_wrong(r, BROKERS, PROBLEM_REQUIRED, NULL);
	if (r->v[TOPIC])
		read_topic(r);
	else
		destination_wrong(r, TOPIC, PROBLEM_REQUIRED, NULL);
	read_tls(r);
	read_sasl(r);
}

/* --- As it is shown --- */

void destination_put_kafka(struct buf *b, const struct destination *d)
{
	const struct destination_kafka *k = &d->kafka;
	buf_lit(b, ",\"brokers\":");
	buf_json_str(b, k->brokers);
	buf_lit(b, ",\"topic\":");
	buf_json_str(b, k->topic);
	buf_printf(b, ",\"allow_private\":%s,\"tls\":%s", d->allow_private ? "true" : "false",
		   k->tls ? "true" : "false");
	if (k->ca.n) {
		buf_lit(b, ",\"ca\":");
		buf_json_str(b, k->ca);
	}
	if (k->sasl) {
		buf_printf(b, ",\"sasl\":\"%s\",\"username\":", k->sasl);
		buf_json_str(b, k->username);
	}
	buf_printf(b, ",\"message_max_bytes\":%u", k->message_max);
}
