/* Events as vendors get them: what is sent, what is left out and noted, and what cannot be sent. */
#include "deliver/relay.h"

#include "../model/declared.h"

#define NOW      (1780000000 * US_PER_S)
#define CONTACT  "01957e3a-4b5c-7d8e-9f0a-1b2c3d4e5f6b"
#define PERSON   "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
#define DELIVERY "msg_01957e3a-4b5c-7d8e-9f0a-1b2c3d4e5f6a_3_0"
/* Of that delivery's id. */
#define UUID "7fa9cec5-eff3-58bd-b3b2-0b25f6ae8813"
#define TIME "2026-05-28T20:26:40.123Z"

/* --- One event on its way --- */

struct trial {
	const char *more;                    /* of the declaration */
	const char *name;                    /* of the event; NULL: "order" */
	const char *fields;                  /* of its definition; NULL: it is gone */
	const char *properties;              /* NULL: {} */
	const char *identities, *attributes; /* NULL: e-mail alone, none */
	instant_us age_us;
};

struct made {
	struct attempt attempt;
	struct destination to;
	struct event_row event;
	struct contact_view contact;
	struct definition *definition;
	struct relay_call call;
};

static yyjson_val *json(const char *text)
{
	yyjson_val *v;
	if (json_parse(&arena, str_of(text), &v, NULL) != JSON_OK)
		fail_msg("no JSON: %s", text);
	return v;
}

static void declare(const char *vendor, const char *more, struct destination *out)
{
	struct problems ps = { 0 };
	const char *text =
		arena_printf(
			&arena,
			"{\"name\":\"a\",\"type\":\"relay\",\"key\":\"K\",\"vendor\":\"%s\"%s%s}",
			vendor, more ? "," : "", more ?: "")
			.p;
	if (!destination_read(&arena, json(text), &ps, out))
		fail_msg("cannot be declared: %s", text);
}

static struct definition *define(const char *fields)
{
	struct definition like = { .no = 1, .name = STR("order"), .annotations = STR("{}") };
	struct problems ps = { 0 };
	assert_true(fields_from_json(&arena, json(fields), &ps, &like.fields, &like.n_fields));
	return definition_new(&like);
}

static void make(struct made *m, const char *vendor, const struct trial *t)
{
	static const struct relay_vendor *const all[VENDORS] = { &relay_pristo, &relay_omnisend,
								 &relay_infobip, &relay_arsel };
	memset(m, 0, sizeof(*m));
	declare(vendor, t->more, &m->to);
	m->event.definition = str_of(t->name ?: "order");
	m->event.properties = str_of(t->properties ?: "{}");
	m->event.occurred_at = NOW + 123456 - t->age_us;
	m->contact.identities =
		str_of(t->identities ?: "[{\"kind\":\"email\",\"value\":\"a@b.io\"}]");
	m->contact.attributes = str_of(t->attributes ?: "{}");
	assert_true(uuid_parse(STR(CONTACT), &m->contact.id));
	m->definition = t->fields ? define(t->fields) : NULL;
	m->attempt = (struct attempt){ .arena = arena,
				       .destination = &m->to,
				       .event = &m->event,
				       .contact = &m->contact,
				       .definition = m->definition,
				       .id = STR(DELIVERY),
				       .now = NOW };
	assert_int_equal(relay_make(&m->attempt, all[m->to.relay.vendor - vendors], &m->call), 0);
	arena = m->attempt.arena;
	if (m->definition)
		definition_unref(m->definition);
}

static void assert_text(struct buf *b, const char *expect)
{
	buf_char(b, '\0');
	assert_string_equal(b->p, expect);
}

static void assert_header(const struct relay_call *c, const char *name, const char *value)
{
	for (unsigned i = 0; i < c->n_headers; i++)
		if (str_eq(c->headers[i].name, str_of(name))) {
			assert_true(str_eq(c->headers[i].value, str_of(value)));
			return;
		}
	fail_msg("no header %s", name);
}

/* --- What is sent --- */

#define POPULATION "\"population\":\"7c9e6679-7425-40de-944b-e07fc1f90ae7\""
#define URL        "\"url\":\"https://x.api.infobip.com\""
#define FIELDS                                                                             \
	"[{\"name\":\"total\",\"type\":\"number\"},{\"name\":\"n\",\"type\":\"integer\"}," \
	"{\"name\":\"gift\",\"type\":\"boolean\"},{\"name\":\"sku\",\"type\":\"string\"}]"
#define ID(kind, value) "{\"kind\":\"" kind "\",\"value\":\"" value "\"}"
#define ALL_IDS \
	"[" ID("external_id", PERSON) "," ID("email", "a@b.io") "," ID("phone", "+37061234567") "]"

static void test_requests(void **state)
{
	static const struct {
		const char *vendor;
		struct trial trial;
		const char *path, *body;
	} cases[] = {
		{ "arsel",
		  { .properties = "{\"total\":12.50}", .identities = ALL_IDS },
		  "/v1/events/send",
		  "{\"external_id\":\"" PERSON
		  "\",\"email\":\"a@b.io\",\"phone_number\":\"+37061234567\","
		  "\"event\":\"order\",\"timestamp\":\"" TIME "\",\"data\":{\"total\":12.50}}" },
		{ "pristo",
		  { .more = POPULATION,
		    .properties = "{\"total\":12.50,\"gift\":true,\"none\":null}",
		    .identities = ALL_IDS,
		    .attributes =
			    "{\"first_name\":\"Dana\",\"last_name\":\"L\",\"language\":\"he\"}" },
		  "/v1/events/send/7c9e6679-7425-40de-944b-e07fc1f90ae7",
		  "{\"contact\":{\"id\":\"" PERSON
		  "\",\"email\":\"a@b.io\",\"phone\":\"+37061234567\","
		  "\"name\":\"Dana\",\"lastName\":\"L\",\"language\":\"he\"},\"type\":\"order\","
		  "\"occurredAt\":\"" TIME
		  "\",\"customFields\":{\"total\":\"12.50\",\"gift\":\"true\"}}" },
		{ "pristo",
		  { .more = POPULATION ",\"contact_fields\":[\"age\"]",
		    .attributes = "{\"email\":\"new@b.io\",\"custom\":{\"age\":31}}" },
		  "/v1/events/send/7c9e6679-7425-40de-944b-e07fc1f90ae7",
		  "{\"contact\":{\"id\":\"" CONTACT "\",\"email\":\"new@b.io\",\"customFields\":"
		  "{\"age\":\"31\"}},\"type\":\"order\",\"occurredAt\":\"" TIME
		  "\",\"customFields\":{}}" },
		{ "omnisend",
		  { .properties = "{\"a\":{\"b\":[1]},\"c\":\"x\"}",
		    .identities = ALL_IDS,
		    .attributes =
			    "{\"first_name\":\"Dana\",\"gender\":\"FEMALE\",\"birthdate\":\"1981-"
			    "11-05\","
			    "\"tags\":[\"vip\"],\"custom\":{\"plan\":\"pro\",\"l\":[\"x\"]}}" },
		  "/api/events",
		  "{\"eventID\":\"" UUID "\",\"eventTime\":\"" TIME "\",\"eventName\":\"order\","
		  "\"origin\":\"api\",\"contact\":{\"email\":\"a@b.io\",\"phone\":\"+37061234567\","
		  "\"firstName\":\"Dana\",\"gender\":\"f\",\"birthdate\":\"1981-11-05\","
		  "\"tags\":[\"vip\"],\"customProperties\":{\"plan\":\"pro\",\"l\":[\"x\"]}},"
		  "\"properties\":{\"a\":{\"b\":[1]},\"c\":\"x\"}}" },
		{ "infobip",
		  { .more = URL,
		    .properties = "{\"l\":[{\"a\":1}],\"e\":[]}",
		    .identities = ALL_IDS },
		  "/peopleevents/2/persons/" PERSON
		  "/definitions/order/events?identifierType=EXTERNAL_ID&createPerson=true",
		  "{\"eventId\":\"" UUID "\",\"properties\":{\"l\":[{\"a\":1}],\"e\":[]}}" },
		{ "infobip",
		  { .more = URL, .name = "a/b" },
		  "/peopleevents/2/persons/a%40b.io/definitions/a%2Fb/events?identifierType=EMAIL"
		  "&createPerson=true",
		  "{\"eventId\":\"" UUID "\",\"properties\":{}}" },
		{ "infobip",
		  { .more = URL ",\"names\":{\"order\":\"orderDone\"}",
		    .identities = "[" ID("line", "L1") "]" },
		  "/peopleevents/2/persons/L1/definitions/orderDone/events?identifierType=LINE",
		  "{\"eventId\":\"" UUID "\",\"properties\":{}}" },
		{ "infobip",
		  { .more = URL ",\"keep_time\":true",
		    .properties = "{\"a\":1}",
		    .age_us = 30LL * 24 * 3600 * US_PER_S + 123456 },
		  "/people/3/events",
		  "[{\"definitionId\":\"order\",\"occurredTime\":\"2026-04-28T20:26:40.000Z\","
		  "\"identifier\":{\"id\":\"a@b.io\",\"type\":\"EMAIL\"},\"eventId\":\"" UUID
		  "\",\"properties\":{\"a\":1}}]" },
		/* Of several the one of the last report. */
		{ "arsel",
		  { .identities = "[" ID("email", "a@b.io") "," ID("email", "c@d.io") "]",
		    .attributes = "{\"email\":\"c@d.io\"}" },
		  "/v1/events/send",
		  "{\"email\":\"c@d.io\",\"event\":\"order\",\"timestamp\":\"" TIME
		  "\",\"data\":{}}" },
		/* What the definition declares decides the type. */
		{ "arsel",
		  { .fields = FIELDS,
		    .properties = "{\"total\":\"12.50\",\"n\":\"7\",\"gift\":\"false\",\"sku\":5,"
				  "\"other\":\"1\"}" },
		  "/v1/events/send",
		  "{\"email\":\"a@b.io\",\"event\":\"order\",\"timestamp\":\"" TIME "\",\"data\":"
		  "{\"total\":12.50,\"n\":7,\"gift\":false,\"sku\":\"5\",\"other\":\"1\"}}" },
		{ "arsel",
		  { .fields = FIELDS,
		    .properties =
			    "{\"total\":\"a lot\",\"n\":\"7.5\",\"gift\":\"yes\",\"sku\":[1]}" },
		  "/v1/events/send",
		  "{\"email\":\"a@b.io\",\"event\":\"order\",\"timestamp\":\"" TIME "\",\"data\":"
		  "{\"total\":\"a lot\",\"n\":\"7.5\",\"gift\":\"yes\",\"sku\":[1]}}" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct made m;
		make(&m, cases[i].vendor, &cases[i].trial);
		assert_null(m.call.why_not);
		assert_text(&m.call.path, cases[i].path);
		assert_text(&m.call.body, cases[i].body);
		(void)json(m.call.body.p);
	}
}

static void test_headers(void **state)
{
	static const struct {
		const char *vendor, *more, *name, *value;
	} cases[] = {
		{ "arsel", NULL, "authorization", "Bearer K" },
		{ "arsel", NULL, "idempotency-key", DELIVERY },
		{ "pristo", POPULATION, "x-api-key", "K" },
		{ "pristo", POPULATION, "x-request-id", UUID },
		{ "omnisend", NULL, "authorization", "Omnisend-API-Key K" },
		{ "omnisend", NULL, "omnisend-version", "2026-03-15" },
		{ "infobip", URL, "authorization", "App K" },
		{ "infobip", URL, "content-type", "application/json" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct made m;
		make(&m, cases[i].vendor, &(struct trial){ .more = cases[i].more });
		assert_header(&m.call, cases[i].name, cases[i].value);
	}
}

/* --- What is not --- */

static const char *repeated(char c, size_t n)
{
	char *text = arena_alloc(&arena, n + 1);
	assert_non_null(text);
	memset(text, c, n);
	text[n] = '\0';
	return text;
}

static void test_notes(void **state)
{
	static const struct {
		const char *vendor;
		struct trial trial;
		const char *note;
	} cases[] = {
		{ "arsel", { .attributes = "{\"email\":\"a@b.io\"}" }, "" },
		{ "arsel",
		  { .attributes = "{\"first_name\":\"D\",\"tags\":[\"x\"],\"email\":\"a@b.io\"}" },
		  "left out: contact.first_name, contact.tags" },
		{ "arsel",
		  { .identities = "[" ID("email", "a@b.io") "," ID("email", "c@d.io") "," ID(
			    "line", "L1") "," ID("line", "L2") "]" },
		  "left out: contact.email (another one), contact.line" },
		{ "arsel",
		  { .identities = "[" ID("email", "a@b.io") "," ID("phone", "0501") "]" },
		  "left out: contact.phone (not an international number)" },
		/* Somebody else owns it: Arsel would take the event for theirs. */
		{ "arsel",
		  { .identities = "[" ID("external_id", "x") "]",
		    .attributes = "{\"email\":\"other@b.io\"}" },
		  "left out: contact.email" },
		{ "pristo",
		  { .more = POPULATION,
		    .properties = "{\"l\":[1],\"o\":{}}",
		    .attributes = "{\"custom\":{\"age\":\"31\"},\"city\":\"X\"}" },
		  "left out: contact.custom.age (not in contact_fields), properties.l (not a plain "
		  "value), properties.o (not a plain value), contact.city" },
		{ "pristo",
		  { .more = POPULATION,
		    .identities = "[" ID("external_id", "4711") "," ID("phone", "12345") "]" },
		  "left out: contact.external_id (no UUID)" },
		{ "omnisend",
		  { .properties = "{\"a-b\":1,\"\":2,\"ok\":3}",
		    .attributes =
			    "{\"gender\":\"x\",\"birthdate\":\"1/2/90\",\"middle_name\":\"Z\","
			    "\"custom\":{\"a b\":1,\"o\":{}}}" },
		  "left out: contact.gender (a form that Omnisend does not take), "
		  "contact.birthdate "
		  "(a form that Omnisend does not take), contact.custom.a b (its name), "
		  "contact.custom.o (neither a plain value nor a list of strings), properties.a-b "
		  "(its name), properties. (its name), contact.middle_name" },
		{ "infobip",
		  { .more = URL,
		    .properties = "{\"o\":{},\"l\":[1],\"m\":[{\"a\":[]}],\"n\":[[]]}" },
		  "left out: properties.o (an object), properties.l (a list of other things than "
		  "flat "
		  "objects), properties.m (a list of other things than flat objects), properties.n "
		  "(a "
		  "list of other things than flat objects)" },
		{ "infobip", { .more = URL, .age_us = 59 * US_PER_S }, "" },
		{ "infobip",
		  { .more = URL, .age_us = 62 * US_PER_S },
		  "left out: event.occurred_at (Infobip takes its own time)" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct made m;
		make(&m, cases[i].vendor, &cases[i].trial);
		assert_null(m.call.why_not);
		assert_text(&m.call.note, cases[i].note);
	}
}

static void test_limits(void **state)
{
	static const struct {
		const char *vendor, *more;
		size_t fits;
	} cases[] = { { "pristo", POPULATION, 255 }, { "omnisend", NULL, 2048 } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t over = 0; over < 2; over++) {
			const char *value = repeated('x', cases[i].fits + over);
			struct trial t = { .more = cases[i].more };
			struct made m;
			t.properties = arena_printf(&arena, "{\"p\":\"%s\"}", value).p;
			make(&m, cases[i].vendor, &t);
			assert_int_equal(m.call.note.n > 0, over);
		}
}

/* A list of so many properties, each named by the pattern, which Omnisend does not take. */
static void make_unnameable(struct made *m, const char *pattern, unsigned n)
{
	struct buf b = buf_in(&arena);
	buf_char(&b, '{');
	for (unsigned i = 0; i < n; i++)
		buf_printf(&b, "%s\"%s-%u\":1", i ? "," : "", pattern, i);
	buf_lit(&b, "}");
	buf_char(&b, '\0');
	make(m, "omnisend", &(struct trial){ .properties = b.p });
}

/* However much is left out, the note has an end, and says so in whole words. */
static void test_a_note_has_an_end(void **state)
{
	static const struct str end = STR_INIT(", and more");
	static const char *const patterns[] = { "property", "p", "one-whose-name-is-a-little-long",
						"\xC4\x97\xC5\xA1\xC5\xB3" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct made m;
		make_unnameable(&m, patterns[i], 150);
		struct str note = buf_str(&m.call.note);
		assert_true(note.n <= RELAY_NOTE_MAX);
		assert_true(str_eq(str_from(note, note.n - end.n), end));
		assert_int_equal(str_utf8_prefix(note), note.n);
	}
}

static void test_a_note_of_a_very_long_name(void **state)
{
	static const struct str said = STR_INIT("left out: what has a very long name");
	struct made m;
	(void)state;
	make_unnameable(&m, repeated('x', RELAY_NOTE_MAX), 3);
	assert_true(str_eq(buf_str(&m.call.note), said));
}

static void test_too_many(void **state)
{
	struct buf b = buf_in(&arena);
	struct made m;
	(void)state;
	buf_char(&b, '{');
	for (unsigned i = 0; i < 101; i++)
		buf_printf(&b, "%s\"p%u\":%u", i ? "," : "", i, i);
	buf_lit(&b, "}");
	buf_char(&b, '\0');
	make(&m, "omnisend", &(struct trial){ .properties = b.p });
	assert_text(&m.call.note, "left out: properties.p100 (too many)");
}

static void test_cannot_be_sent(void **state)
{
	static const struct {
		const char *vendor;
		struct trial trial;
		const char *why;
	} cases[] = {
		{ "arsel",
		  { .identities = "[" ID("anonymous_id", "x") "]" },
		  "Arsel needs an external id, an e-mail or a phone of the contact" },
		{ "arsel",
		  { .identities = "[" ID("phone", "0501234567890123") "]" },
		  "Arsel needs an external id, an e-mail or a phone of the contact" },
		{ "pristo",
		  { .more = POPULATION, .identities = "[" ID("external_id", "no uuid") "]" },
		  "Pristo needs an external id that is a UUID, an e-mail or a phone of the "
		  "contact" },
		{ "omnisend",
		  { .identities = "[" ID("external_id", PERSON) "]" },
		  "Omnisend needs an e-mail or a phone of the contact" },
		{ "infobip",
		  { .more = URL, .identities = "[" ID("anonymous_id", "x") "]" },
		  "Infobip needs an external id, an e-mail, a phone or the id of a messaging "
		  "channel of "
		  "the contact" },
		{ "infobip",
		  { .more = URL ",\"keep_time\":true",
		    .age_us = 30LL * 24 * 3600 * US_PER_S + 2 * US_PER_S },
		  "Infobip takes no event that is older than 30 days" },
		{ "infobip",
		  { .more = URL ",\"keep_time\":true", .identities = "[" ID("line", "L1") "]" },
		  "Infobip needs an external id, an e-mail or a phone of the contact" },
		{ "infobip",
		  { .more = URL, .identities = "[]" },
		  "Infobip needs an external id, an e-mail, a phone or the id of a messaging "
		  "channel of "
		  "the contact" },
	};
	struct made m;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		make(&m, cases[i].vendor, &cases[i].trial);
		assert_non_null(m.call.why_not);
		assert_string_equal(m.call.why_not, cases[i].why);
	}
	for (size_t over = 0; over < 2; over++) {
		make(&m, "arsel", &(struct trial){ .name = repeated('n', 80 + over) });
		assert_int_equal(m.call.why_not != NULL, over);
	}
}

/* --- What may go out again --- */

static unsigned n_done;

static void on_done(struct attempt *a)
{
	(void)a;
	n_done++;
}

/* After an attempt that may have been taken. */
static void test_not_again(void **state)
{
	static const int64_t hour = 3600 * US_PER_S;
	static const struct {
		const char *vendor, *more;
		int64_t ago_us; /* 0: there was none */
		bool ends;
	} cases[] = {
		{ "arsel", NULL, 0, false },
		{ "arsel", NULL, 1, false },
		{ "arsel", NULL, 24 * hour - 1, false },
		{ "arsel", NULL, 24 * hour, true },
		{ "arsel", NULL, -1, true }, /* the clock was set back */
		{ "arsel", "\"at_least_once\":true", 100 * hour, false },
		{ "pristo", POPULATION, 0, false },
		{ "pristo", POPULATION, 1, true },
		{ "pristo", POPULATION ",\"at_least_once\":true", 1, false },
		{ "omnisend", NULL, 1, true },
		{ "infobip", URL, 1000 * hour, false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http *h;
		struct made m;
		make(&m, cases[i].vendor, &(struct trial){ .more = cases[i].more });
		m.attempt.arena = arena;
		m.attempt.done = on_done;
		m.attempt.doubt_at = cases[i].ago_us ? NOW - cases[i].ago_us : 0;
		n_done = 0;
		assert_int_equal(http_new(&h), 0);
		assert_int_equal(relay.send(h, &m.attempt), 0);
		assert_int_equal(n_done, cases[i].ends);
		http_free(h);
		arena = m.attempt.arena;
		if (cases[i].ends) {
			assert_int_equal(m.attempt.outcome, ATTEMPT_DEAD);
			assert_true(str_starts(m.attempt.answer, STR("unknown whether ")));
		}
	}
}

static void test_noted_before_it_begins(void **state)
{
	static const struct {
		const char *vendor, *more;
		bool noted;
	} cases[] = {
		{ "arsel", NULL, true },        { "arsel", "\"at_least_once\":true", false },
		{ "pristo", POPULATION, true }, { "omnisend", NULL, true },
		{ "infobip", URL, false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct destination to;
		declare(cases[i].vendor, cases[i].more, &to);
		assert_int_equal(relay.is_noted(&to), cases[i].noted);
	}
}

static void test_pauses_of_omnisend(void **state)
{
	static const struct {
		const char *answer;
		int64_t pause_s;
	} cases[] = {
		{ "{\"title\":\"Rate limit exceeded\",\"status\":429,\"retryAfter\":60}", 60 },
		{ "{\"retryAfter\":\"60\"}", -1 },
		{ "{\"retryAfter\":-5}", -1 },
		{ "{\"retryAfter\":0}", -1 },
		{ "{}", -1 },
		{ "[60]", -1 },
		{ "", -1 },
		{ "{\"retryAfter\":60", -1 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(relay_omnisend.pause_s(&arena, str_of(cases[i].answer)),
				 cases[i].pause_s);
}

/* One event must not stop the others. */
static void test_too_large(void **state)
{
	struct made m;
	(void)state;
	make(&m, "arsel", &(struct trial){ .properties = NULL });
	struct buf b = buf_in(&arena);
	buf_lit(&b, "{\"list\":[1");
	for (unsigned i = 0; i < 100000; i++)
		buf_lit(&b, ",1");
	buf_lit(&b, "]}");
	m.event.properties = buf_str(&b);
	arena_init(&m.attempt.arena, 256 * 1024, NULL);
	m.attempt.done = on_done;
	n_done = 0;
	assert_int_equal(relay.send(NULL, &m.attempt), 0);
	assert_int_equal(n_done, 1);
	assert_int_equal(m.attempt.outcome, ATTEMPT_RETRY);
	assert_true(str_eq(m.attempt.answer, STR("there was no memory for it")));
	arena_fini(&m.attempt.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_arena, close_arena)
		CASE(test_requests),
		CASE(test_headers),
		CASE(test_notes),
		CASE(test_limits),
		CASE(test_a_note_has_an_end),
		CASE(test_a_note_of_a_very_long_name),
		CASE(test_too_many),
		CASE(test_cannot_be_sent),
		CASE(test_not_again),
		CASE(test_noted_before_it_begins),
		CASE(test_pauses_of_omnisend),
		CASE(test_too_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
