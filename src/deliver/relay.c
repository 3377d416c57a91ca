#include "deliver/relay.h"

#include "base/fail.h"

#include <errno.h>

enum { TIMEOUT_MS = 30 * 1000 };

static const struct relay_vendor *const relays[VENDORS] = {
	[VENDOR_PRISTO] = &relay_pristo,
	[VENDOR_OMNISEND] = &relay_omnisend,
	[VENDOR_INFOBIP] = &relay_infobip,
	[VENDOR_ARSEL] = &relay_arsel,
};

static const struct relay_vendor *relay_of(const struct destination *to)
{
	return relays[to->relay.vendor - vendors];
}

/* --- What is sent --- */

static struct str name_for(const struct destination *to, struct str name)
{
	for (unsigned i = 0; i < to->relay.n_names; i++)
		if (str_eq(to->relay.names[i].from, name))
			return to->relay.names[i].to;
	return name;
}

static bool is_used(const struct relay_call *c, struct str name)
{
	for (unsigned i = 0; i < c->n_used; i++)
		if (str_eq(c->used[i], name))
			return true;
	return false;
}

static bool has_before(yyjson_val *identities, const yyjson_val *here, struct str kind)
{
	size_t i, n;
	yyjson_val *v;
	yyjson_arr_foreach (identities, i, n, v) {
		if (v == here)
			return false;
		if (str_eq(json_str(json_get(v, STR("kind"))), kind))
			return true;
	}
	return false;
}

/* Of each kind one identity goes out, of some kinds none. */
static void note_identities(struct relay_call *c)
{
	static const struct str group = STR_INIT("contact.");
	size_t i, n;
	yyjson_val *v;
	yyjson_arr_foreach (c->identities, i, n, v) {
		struct str kind = json_str(json_get(v, STR("kind")));
		bool another = has_before(c->identities, v, kind);
		if (another && is_used(c, kind))
			relay_leave_out(c, group, kind, "another one");
		else if (!another && !is_used(c, kind))
			relay_leave_out(c, group, kind, NULL);
	}
}

static bool is_noted_identity(struct relay_call *c, struct str name)
{
	enum identity_kind kind;
	return identity_kind_parse(name, &kind) && relay_identity(c, kind).p;
}

static void note_attributes(struct relay_call *c)
{
	static const struct str group = STR_INIT("contact.");
	size_t i, n;
	yyjson_val *key, *v;
	json_foreach_member (c->attributes, i, n, key, v)
		if (!is_used(c, json_str(key)) && !is_noted_identity(c, json_str(key)))
			relay_leave_out(c, group, json_str(key), NULL);
}

static bool read_parts(const struct attempt *a, struct relay_call *c)
{
	return json_parse(c->arena, a->event->properties, &c->properties, NULL) == JSON_OK &&
	       json_parse(c->arena, a->contact->attributes, &c->attributes, NULL) == JSON_OK &&
	       json_parse(c->arena, a->contact->identities, &c->identities, NULL) == JSON_OK;
}

int relay_make(struct attempt *a, const struct relay_vendor *vendor, struct relay_call *c)
{
	*c = (struct relay_call){
		.arena = &a->arena,
		.to = a->destination,
		.event = a->event,
		.definition = a->definition,
		.id = a->id,
		.now = a->now,
		.name = name_for(a->destination, a->event->definition),
		.contact_id = a->contact->id,
		.path = buf_in(&a->arena),
		.body = buf_in(&a->arena),
		.note = buf_in(&a->arena),
	};
	if (!read_parts(a, c))
		return fail(-ENOMEM, "an event for a vendor");
	relay_header(c, STR("content-type"), STR("application/json"));
	vendor->make(c);
	if (!c->why_not) {
		note_identities(c);
		note_attributes(c);
	}
	/* What is only looked at does not say that there was no memory for it. */
	bool refused = c->arena->poor || c->arena->full;
	bool failed = refused || c->failed || c->path.failed || c->body.failed || c->note.failed;
	return failed ? fail(-ENOMEM, "an event for a vendor") : 0;
}

/* --- What came of it --- */

/* The answer's status, also of one that broke off behind it; 0: there was none. */
static int status_of(const struct exchange *x)
{
	int begun = x->begun_status >= 200 ? x->begun_status : 0;
	return x->status ? x->status : begun;
}

static bool is_taken(const struct attempt *a, int status)
{
	bool repeated = status && status == relay_of(a->destination)->repeated_status;
	return (status >= 200 && status < 300) || (repeated && a->doubt_at);
}

/* The vendor has said that it did not take it, but it may take it later: too much at once, a
 * fault of its own, and what the owner of the destination can put right, a wrong key or address. */
static bool is_refused_for_now(int status)
{
	return (status >= 300 && status < 400) || status == 401 || status == 403 || status == 408 ||
	       status == 425 || status == 429 || status == 500 || status == 503;
}

/* No answer to what was sent, or one of somebody on the way (502, 504): nobody knows. */
static bool is_doubtful(const struct exchange *x, int status)
{
	return status ? status > 500 && status != 503 : x->sent;
}

static enum attempt_outcome judge_doubtful(const struct attempt *a)
{
	const struct destination *to = a->destination;
	bool repeats = to->relay.at_least_once || relay_of(to)->remembers_s > 0;
	return repeats ? ATTEMPT_RETRY : ATTEMPT_DEAD;
}

static enum attempt_outcome judge(const struct attempt *a, const struct exchange *x, int status)
{
	if (x->refused)
		return ATTEMPT_DEAD;
	if (is_taken(a, status))
		return ATTEMPT_DELIVERED;
	if (a->doubtful)
		return judge_doubtful(a);
	return status && !is_refused_for_now(status) ? ATTEMPT_DEAD : ATTEMPT_RETRY;
}

static void take_pause(struct attempt *a, const struct exchange *x)
{
	const struct relay_vendor *vendor = relay_of(a->destination);
	struct str answer = { x->answer, x->answer_n };
	a->retry_after_s = x->retry_after_s;
	if (a->status != 429 && a->status != 503)
		return;
	if (a->retry_after_s < 0 && vendor->pause_s)
		a->retry_after_s = vendor->pause_s(&a->arena, answer);
	a->hold = a->retry_after_s > 0;
}

static struct str answer_of(struct attempt *a, const struct exchange *x)
{
	struct str said = { x->answer, x->answer_n };
	if (!a->status)
		said = str_of(x->error ?: "no answer");
	if (!a->doubtful)
		return said;
	struct str text =
		arena_printf(&a->arena, "unknown whether it was taken: " STR_FMT, STR_ARG(said));
	return text.p ? text : said;
}

static void on_done(struct exchange *x)
{
	struct attempt *a = (struct attempt *)((char *)x - offsetof(struct attempt, exchange));
	a->status = status_of(x);
	a->doubtful = is_doubtful(x, a->status);
	a->outcome = judge(a, x, a->status);
	a->unasked = x->refused;
	a->duration_ms = x->duration_ms;
	take_pause(a, x);
	a->answer = answer_of(a, x);
	a->done(a);
}

/* --- One attempt --- */

static void end_unsent(struct attempt *a, enum attempt_outcome outcome, const char *why)
{
	a->outcome = outcome;
	a->unasked = true;
	a->retry_after_s = -1;
	a->answer = str_of(why);
	a->done(a);
}

/* An earlier attempt may have been taken, and the vendor would not recognise this one. */
static bool is_too_late(const struct attempt *a)
{
	const struct destination *to = a->destination;
	int64_t remembers_s = relay_of(to)->remembers_s;
	if (!a->doubt_at || to->relay.at_least_once || remembers_s == RELAY_FOREVER)
		return false;
	/* Also when the clock was set back: then nobody knows how long it is. */
	return a->now < a->doubt_at || (a->now - a->doubt_at) / US_PER_S >= remembers_s;
}

static bool is_noted(const struct destination *to)
{
	return !to->relay.at_least_once && relay_of(to)->remembers_s != RELAY_FOREVER;
}

static int start(struct http *h, struct attempt *a, const struct relay_call *c)
{
	struct exchange *x = &a->exchange;
	*x = (struct exchange){
		.body = buf_str(&c->body),
		.n_headers = c->n_headers,
		.allow_private = a->destination->allow_private,
		.once = is_noted(a->destination) && relay_of(a->destination)->remembers_s == 0,
		.timeout_ms = TIMEOUT_MS,
		.done = on_done,
	};
	memcpy(x->headers, c->headers, c->n_headers * sizeof(*c->headers));
	x->url = arena_printf(&a->arena, STR_FMT STR_FMT, STR_ARG(a->destination->url),
			      STR_ARG(buf_str(&c->path)));
	return x->url.p ? pass(http_start(h, x)) : fail(-ENOMEM, "an event for a vendor");
}

static int relay_send(struct http *h, struct attempt *a)
{
	struct relay_call c;
	if (is_too_late(a)) {
		end_unsent(a, ATTEMPT_DEAD,
			   "unknown whether an earlier attempt was taken: not sent again");
		return 0;
	}
	int r = relay_make(a, relay_of(a->destination), &c);
	if (r < 0 && a->arena.poor)
		return pass(r); /* it is begun anew when others have given some back */
	if (r < 0) {
		end_unsent(a, ATTEMPT_RETRY, "there was no memory for it");
		return 0;
	}
	a->note = buf_str(&c.note);
	if (!c.why_not)
		return pass(start(h, a, &c));
	end_unsent(a, ATTEMPT_DEAD, c.why_not);
	return 0;
}

const struct sender relay = {
	.type = DESTINATION_RELAY,
	.makes_own = true,
	.send = relay_send,
	.is_noted = is_noted,
};
