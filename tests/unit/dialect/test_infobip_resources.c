/* Infobip's definitions, batches and persons up to the committer and back; infobip.md section 6 has
 * the case numbers. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "dialect/infobip_private.h"
#include "fuzz/dialect_fuzz.h"

#define APP         HEADER("Authorization", "App " TRIAL_KEY)
#define DEFINITIONS "/peopleevents/2/definitions"
#define PERSONS     "/people/2/persons"
#define CONTACTS    PERSONS "/contactInformation"
#define UPSERT      "/people/3/persons/upsert"
#define BATCH       "/people/3/events"
#define SEND        "/peopleevents/2/persons/3/definitions/rich/events?identifierType=EXTERNAL_ID"
#define CROWDED     DEFINITIONS "/crowded"
#define RICH        DEFINITIONS "/rich"
#define JANE        "?identifier=Jane%40example.com&type=EMAIL"

static void run_at(struct trial *t, enum method method, const char *target, struct str body)
{
	struct trial_request from = { method, target, { APP } };
	trial_run(t, &infobip, &from, body, 8 * TRIAL_MEMORY);
}

static void assert_holds(struct str body, const char *text)
{
	if (text && !memmem(body.p, body.n, text, strlen(text)))
		fail_msg("no %s in " STR_FMT, text, STR_ARG(body));
}

/* --- What reaches the committer --- */

static const struct {
	enum method method;
	const char *target, *body, *op;
} accepted[] = {
	/* 50 */
	{ METHOD_POST, DEFINITIONS,
	  "{\"definitionId\":\"a1\",\"title\":\"t\",\"fields\":[{\"name\":\"_n\",\"type\":"
	  "\"Numeric\"},"
	  "{\"name\":\"l\",\"type\":\"List\",\"schema\":{\"type\":\"Object\",\"fields\":[{\"name\":"
	  "\"d\",\"type\":\"DateTime\"}]}}]}",
	  "name a1\ndescription \nannotations {}\nfields [{\"name\":\"_n\",\"type\":\"integer\","
	  "\"required\":false},{\"name\":\"l\",\"type\":\"array\",\"required\":false,\"fields\":[{"
	  "\"name\":\"d\",\"type\":\"datetime\",\"required\":false}]}]\n" },
	/* 62: old fields keep the types that Infobip has no name for */
	{ METHOD_POST, DEFINITIONS "/viewed%20page",
	  "{\"title\":\"t\",\"fields\":[{\"name\":\"url\",\"type\":\"String\"},{\"name\":\"more\","
	  "\"type\":\"Boolean\"}]}",
	  "\nfields [{\"name\":\"url\",\"type\":\"url\",\"required\":false},{\"name\":\"seconds\","
	  "\"type\":\"integer\",\"required\":false},{\"name\":\"title\",\"type\":\"string\","
	  "\"required\":false},{\"name\":\"more\",\"type\":\"boolean\",\"required\":false}]\n" },
	/* 66 */
	{ METHOD_POST, PERSONS,
	  "{\"firstName\":\"J\",\"gender\":\"male\",\"tags\":[\"a\"],\"customAttributes\":{\"x "
	  "y\":1.50,"
	  "\"gone\":null},\"contactInformation\":{\"email\":[{\"address\":\"J@x.io\"}]}}",
	  "who email lookup,creates,adopt J@x.io key j@x.io\n"
	  "set first_name \"J\"\nset gender \"m\"\nunion tags [\"a\"]\n"
	  "set custom.x y 1.50\nremove custom.gone null\n" },
	/* 71: added to what is there */
	{ METHOD_PATCH, PERSONS JANE,
	  "{\"externalId\":\"7\",\"tags\":[\"b\"],\"contactInformation\":{\"phone\":[{\"number\":"
	  "\"+41 79\"}]},\"id\":1,\"createdAt\":\"x\",\"firstName\":null}",
	  "who email lookup Jane@example.com key jane@example.com\n"
	  "who external_id replace" },
	/* 72: the way that was used stays when no other is named */
	{ METHOD_PUT, PERSONS JANE, "{\"lastName\":\"Z\",\"tags\":[\"c\"]}",
	  "who email lookup,stays Jane@example.com key jane@example.com\n"
	  "set last_name \"Z\"\nset tags []\nunion tags [\"c\"]\n"
	  "union consents []\nunion opt_ins []\nunion opt_outs []\nunion email_status []\n"
	  "union sms_status []\nunion subscribed []\nunion active []\n" },
};

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
		struct trial t;
		run_at(&t, accepted[i].method, accepted[i].target, str_of(accepted[i].body));
		if (t.why || t.call.n_ops != 1)
			fail_msg("refused (%d): %s", t.why, accepted[i].body);
		assert_holds(trial_op_text(&t), accepted[i].op);
		trial_end(&t);
	}
}

/* --- What is answered --- */

#define EVENT(time, identifier)                                                                    \
	"{\"definitionId\":\"rich\",\"occurredTime\":\"" time "\",\"identifier\":{" identifier "}" \
	"}"
#define SOMEBODY     "\"id\":\"3\",\"type\":\"EXTERNAL_ID\""
#define FIELDS(list) "{\"definitionId\":\"a\",\"title\":\"t\",\"fields\":[" list "]}"
#define BAD(path)    "\"validationErrors\":{\"" path "\":["

/* It is 2025-12-01T00:00:00Z in every trial. */
static const struct {
	enum method method;
	const char *target, *body;
	enum problem_code code; /* what the committer says; PROBLEM_NONE: yes */
	int status;
	const char *text;
} answered[] = {
	/* Decision 35: thirty days are not too old, a microsecond more is. */
	{ METHOD_POST, BATCH, "[" EVENT("2025-11-01T00:00:00Z", SOMEBODY) "]", 0, 202, NULL },
	/* The definition went while the event was on its way. */
	{ METHOD_POST, BATCH, "[" EVENT("2025-11-01T00:00:00Z", SOMEBODY) "]",
	  PROBLEM_UNKNOWN_DEFINITION, 400, "Details: [0].definitionId does not exist.\"}]" },
	{ METHOD_POST, BATCH, "[" EVENT("2025-11-01T00:00:00Z", SOMEBODY) "]",
	  PROBLEM_UNKNOWN_DEFINITION, 400, "{\"errors\":[{\"index\":-1,\"code\":400501," },
	{ METHOD_POST, BATCH, "[" EVENT("2025-11-01T00:00:00Z", SOMEBODY) "]",
	  PROBLEM_UNKNOWN_CONTACT, 400, "{\"errors\":[{\"index\":0,\"code\":400505," },
	{ METHOD_POST, SEND, "{}", PROBLEM_UNKNOWN_DEFINITION, 404,
	  BAD("definitionId") "\"does not exist\"]}" },
	{ METHOD_POST, SEND, "{}", PROBLEM_UNKNOWN_CONTACT, 404,
	  BAD("personId") "\"does not exist\"]}" },
	{ METHOD_POST, SEND, "{}", PROBLEM_CONTACT_FULL, 400, BAD("personId") },
	{ METHOD_POST, BATCH, "[" EVENT("2025-10-31T23:59:59.999999Z", SOMEBODY) "]", 0, 400,
	  "\"details\":[{\"property\":\"occurredTime\"" },
	{ METHOD_POST, BATCH, "[" EVENT("2025-11-30T01:00:00", SOMEBODY) "]", 0, 202, NULL },
	{ METHOD_POST, BATCH, "[" EVENT("2025-11-30", SOMEBODY) "]", 0, 400, "occurredTime" },
	/* Decision 33: from outer to inner. */
	{ METHOD_POST, BATCH,
	  "[{\"definitionId\":\"no\"}," EVENT("2025-11-30T00:00:00Z", SOMEBODY) "]", 0, 400,
	  "{\"errors\":[{\"index\":0,\"code\":400504,\"message\":" },
	{ METHOD_POST, BATCH,
	  "[" EVENT("2025-11-30T00:00:00Z",
		    "\"id\":\"x\",\"type\":\"ID\"") ",{\"definitionId\":"
						    "\"no\",\"occurredTime\":\"2025-11-30T00:00:"
						    "00Z\",\"identifier\":{" SOMEBODY "}}]",
	  0, 400, "{\"errors\":[{\"index\":-1,\"code\":400501,\"message\":" },
	{ METHOD_POST, BATCH, "[" EVENT("2025-11-30T00:00:00Z", SOMEBODY) "]",
	  PROBLEM_UNKNOWN_CONTACT, 400, "\"index\":0,\"code\":400505," },
	{ METHOD_POST, BATCH, "[" EVENT("2025-11-30T00:00:00Z", SOMEBODY) "]", PROBLEM_CONTACT_FULL,
	  400, "\"index\":0,\"code\":400504," },
	/* 51, 60, 64 */
	{ METHOD_POST, DEFINITIONS, FIELDS(""), PROBLEM_EXISTS, 409, "\"CONFLICT\"" },
	{ METHOD_POST, DEFINITIONS, FIELDS(""), PROBLEM_DEFINITIONS_FULL, 400, "BAD_REQUEST" },
	{ METHOD_POST, DEFINITIONS "/rich", "{\"title\":\"t\"}", PROBLEM_UNKNOWN_DEFINITION, 404,
	  "No matches" },
	{ METHOD_DELETE, DEFINITIONS "/rich", "", PROBLEM_UNKNOWN_DEFINITION, 404, "No matches" },
	{ METHOD_DELETE, DEFINITIONS "/rich", "", 0, 204, NULL },
	{ METHOD_DELETE, DEFINITIONS "/poor", "", 0, 404, "No matches" },
	{ METHOD_GET, DEFINITIONS "/rich", "", 0, 200,
	  "{\"name\":\"mail\",\"type\":\"String\"},{\"name\":\"link\",\"type\":\"String\"},"
	  "{\"name\":\"place\",\"type\":\"Object\",\"schema\":{\"type\":\"Object\",\"fields\":[" },
	{ METHOD_GET, DEFINITIONS "?limit=0", "", 0, 404, "No matches" },
	{ METHOD_GET, DEFINITIONS "?limit=2147483648", "", 0, 400, BAD("limit") },
	{ METHOD_GET, DEFINITIONS "?searchText=ORDER", "", 0, 200, "\"order.completed\"" },
	/* What was read may be sent back. */
	{ METHOD_POST, DEFINITIONS "/rich",
	  "{\"title\":\"t\",\"fields\":[{\"name\":\"list\",\"type\":\"List\",\"schema\":{\"type\":"
	  "\"Object\",\"fields\":[]}},{\"name\":\"place\",\"type\":\"Object\",\"schema\":{\"type\":"
	  "\"Object\",\"fields\":[{\"name\":\"sku\",\"type\":\"String\"}]}}]}",
	  0, 200, "\"rich\"" },
	/* Where anything may be, nothing is said of what must. */
	{ METHOD_POST, DEFINITIONS "/rich",
	  "{\"title\":\"t\",\"fields\":[{\"name\":\"list\",\"type\":\"List\",\"schema\":{\"type\":"
	  "\"Object\",\"fields\":[{\"name\":\"x\",\"type\":\"String\"}]}}]}",
	  0, 400, BAD("fields[0].schema") },
	/* Nor may it have changed since. */
	{ METHOD_POST, RICH, "{\"title\":\"t\"}", PROBLEM_EXISTS, 409, "\"CONFLICT\"" },
	/* Once is enough, also for what is there. */
	{ METHOD_POST, RICH,
	  "{\"title\":\"t\",\"fields\":[{\"name\":\"text\",\"type\":\"String\"},{\"name\":\"text\","
	  "\"type\":\"String\"}]}",
	  0, 400, BAD("fields[1].name") },
	{ METHOD_POST, RICH,
	  "{\"title\":\"t\",\"fields\":[{\"name\":\"Text\",\"type\":\"String\"}]}", 0, 400,
	  BAD("fields[0].name") },
	/* 56, 57 */
	{ METHOD_POST, DEFINITIONS, FIELDS("{\"name\":\"\",\"type\":\"String\"}"), 0, 400,
	  BAD("fields[0].name") },
	{ METHOD_POST, DEFINITIONS, FIELDS("{\"name\":\"a\",\"type\":\"string\"}"), 0, 400,
	  BAD("fields[0].type") },
	{ METHOD_POST, DEFINITIONS, FIELDS("{\"name\":\"a\",\"type\":\"Object\"}"), 0, 400,
	  BAD("fields[0].type") },
	{ METHOD_POST, DEFINITIONS, FIELDS("{\"name\":\"a\"}"), 0, 400, BAD("fields[0].type") },
	{ METHOD_POST, DEFINITIONS,
	  FIELDS("{\"name\":\"a\",\"type\":\"String\",\"required\":true}"), 0, 400,
	  BAD("fields[0].required") },
	{ METHOD_POST, DEFINITIONS, FIELDS("7"), 0, 400, BAD("fields[0]") },
	{ METHOD_POST, DEFINITIONS,
	  FIELDS("{\"name\":\"a\",\"type\":\"List\",\"schema\":{\"type\":\"Map\",\"fields\":[{"
		 "\"name\":\"x\",\"type\":\"String\"}]}}"),
	  0, 400, BAD("fields[0].schema.type") },
	/* 69, 70 */
	{ METHOD_GET, PERSONS JANE, "", 0, 200,
	  "{\"id\":1,\"externalId\":\"3f2504e0-4f89-41d3-9a0c-0305e82c3301\",\"firstName\":"
	  "\"Jane\","
	  "\"lastName\":\"Doe\",\"type\":\"CUSTOMER\",\"tags\":[\"vip\"],\"customAttributes\":{"
	  "\"age\":\"31\",\"score\":1.50,\"list\":[\"a\"]},\"contactInformation\":{\"phone\":[{"
	  "\"number\":\"37061234567\"}],\"email\":[{\"address\":\"jane@example.com\"}]},"
	  "\"createdAt\":\"2025-12-01T00:00:00\",\"modifiedAt\":\"2025-12-01T00:01:00\",\"origin\":"
	  "\"API\",\"modifiedFrom\":\"API\"}" },
	{ METHOD_GET, PERSONS JANE, "", PROBLEM_UNKNOWN_CONTACT, 404, "\"40401\"" },
	{ METHOD_GET, PERSONS, "", 0, 200, "{\"persons\":[{\"id\":1," },
	{ METHOD_GET, PERSONS "?includeTotalCount=true", "", 0, 200, "],\"totalCount\":1}" },
	{ METHOD_GET, PERSONS "?includeTotalCount=yes", "", 0, 400, BAD("includeTotalCount") },
	{ METHOD_GET, PERSONS "?includeTotalCount=false&orderBy=createdAt:desc", "", 0, 200, "[{" },
	{ METHOD_GET, PERSONS "?orderBy=createdAt:asc&page=2", "", 0, 200, "[{" },
	{ METHOD_GET, PERSONS "?page=4294967295&limit=1000", "", 0, 400, "\"40019\"" },
	{ METHOD_GET, PERSONS "?orderBy=firstName", "", 0, 400, "\"40019\"" },
	{ METHOD_GET, PERSONS "?filter=%7B%7D", "", 0, 400, "\"40019\"" },
	{ METHOD_GET, PERSONS "?page=0", "", 0, 400, BAD("page") },
	{ METHOD_GET, PERSONS "?identifier=%ff&type=EMAIL", "", 0, 404, "\"40401\"" },
	/* 68 */
	{ METHOD_POST, PERSONS, "{}", 0, 400, "\"40018\"" },
	{ METHOD_POST, PERSONS, "[]", 0, 400, "\"BAD_REQUEST\"" },
	{ METHOD_POST, PERSONS, "{\"externalId\":\"1\",\"tags\":[\"\"]}", 0, 400,
	  "\"tags[0] must not be empty\"]" },
	{ METHOD_POST, PERSONS, "{\"externalId\":\"1\",\"tags\":[7]}", 0, 400,
	  "\"tags[0] must be a string, not a number\"]" },
	{ METHOD_POST, PERSONS, "{\"externalId\":\"1\"}", PROBLEM_CONTACT_FULL, 400,
	  "BAD_REQUEST" },
	{ METHOD_DELETE, CONTACTS JANE,
	  "{\"contactInformation\":{\"email\":[{\"address\":\"a@x.io\"}]}}", PROBLEM_ALTERNATIVES,
	  400, "\"40018\"" },
	{ METHOD_DELETE, PERSONS JANE, "", 0, 200, NULL },
	{ METHOD_DELETE, PERSONS JANE, "", PROBLEM_UNKNOWN_CONTACT, 404, "\"40401\"" },
	{ METHOD_DELETE, PERSONS, "", 0, 400, BAD("identifier") },
	/* 74 */
	{ METHOD_PATCH, UPSERT, "{\"persons\":[{\"externalId\":\"1\"}]}", 0, 207,
	  "{\"errors\":[],\"results\":[{\"id\":1,\"index\":0,\"status\":\"NOT_MODIFIED\"}]}" },
	{ METHOD_PATCH, UPSERT, "{\"persons\":[{\"externalId\":\"1\"}]}", PROBLEM_TAKEN, 207,
	  "\"index\":0}],\"results\":[]}" },
	{ METHOD_PUT, UPSERT, "{\"persons\":{}}", 0, 400, "{\"code\":400104," },
	{ METHOD_PUT, UPSERT, "[]", 0, 400, "{\"code\":400103," },
};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answered); i++) {
		struct trial t;
		run_at(&t, answered[i].method, answered[i].target, str_of(answered[i].body));
		if (answered[i].code)
			trial_answer_refused(&t, answered[i].code);
		else
			trial_answer(&t);
		if (t.status != answered[i].status)
			fail_msg("%d, not %d: %s %s: " STR_FMT, t.status, answered[i].status,
				 answered[i].target, answered[i].body, STR_ARG(t.body));
		assert_holds(t.body, answered[i].text);
		trial_end(&t);
	}
}

/* --- Counts --- */

/* `n` times `item`, each with another number in place of its #. */
static struct str list_of(struct arena *a, const char *before, const char *item, size_t n,
			  const char *after)
{
	struct buf b = buf_in(a);
	buf_put(&b, str_of(before));
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_char(&b, ',');
		for (const char *p = item; *p; p++)
			if (*p == '#')
				buf_u64(&b, i);
			else
				buf_char(&b, *p);
	}
	buf_put(&b, str_of(after));
	must(!b.failed);
	return buf_str(&b);
}

#define FIELD_LIST "{\"definitionId\":\"a\",\"title\":\"t\",\"fields\":["
#define NESTED                                                                                     \
	FIELD_LIST "{\"name\":\"l\",\"type\":\"List\",\"schema\":{\"type\":\"Object\",\"fields\":" \
		   "["

#define INSIDE(name, type)                                                     \
	"{\"title\":\"t\",\"fields\":[{\"name\":\"" name "\",\"type\":\"" type \
	"\",\"schema\":{\"type\":\"Object\",\"fields\":["

static const struct {
	enum method method;
	const char *target, *before, *item, *after;
	size_t most;
	int yes;
} counts[] = {
	{ METHOD_POST, BATCH, "[", EVENT("2025-11-30T00:00:00Z", SOMEBODY), "]", 5000, 202 },
	{ METHOD_POST, DEFINITIONS, FIELD_LIST, "{\"name\":\"f#\",\"type\":\"String\"}", "]}", 120,
	  201 },
	{ METHOD_POST, DEFINITIONS, NESTED, "{\"name\":\"f#\",\"type\":\"String\"}", "]}}]}", 128,
	  201 },
	{ METHOD_POST, PERSONS, "{\"contactInformation\":{\"email\":[", "{\"address\":\"a#@x.io\"}",
	  "]}}", 100, 200 },
	{ METHOD_POST, PERSONS, "{\"contactInformation\":{\"phone\":[", "{\"number\":\"41#\"}",
	  "]}}", 100, 200 },
	{ METHOD_PATCH, UPSERT, "{\"persons\":[", "{\"externalId\":\"#\"}", "]}", 1000, 207 },
	/* An update names old fields, and new ones behind them. */
	{ METHOD_POST, CROWDED, INSIDE("items", "List"), "{\"name\":\"a#\",\"type\":\"String\"}",
	  "]}}]}", 128, 200 },
	{ METHOD_POST, CROWDED, INSIDE("place", "Object"), "{\"name\":\"a#\",\"type\":\"String\"}",
	  "]}}]}", 128, 200 },
	{ METHOD_POST, CROWDED, INSIDE("place", "Object"), "{\"name\":\"b#\",\"type\":\"String\"}",
	  "]}}]}", 64, 200 },
	{ METHOD_POST, RICH, INSIDE("items", "List"), "{\"name\":\"b#\",\"type\":\"String\"}",
	  "]}}]}", 126, 200 },
};

static void test_counts(void **state)
{
	struct arena a;
	(void)state;
	arena_init(&a, 64 * 1024 * 1024, NULL);
	for (size_t i = 0; i < 2 * ARRAY_LEN(counts); i++) {
		struct trial t;
		const size_t c = i / 2, more = i % 2;
		struct str body = list_of(&a, counts[c].before, counts[c].item,
					  counts[c].most + more, counts[c].after);
		run_at(&t, counts[c].method, counts[c].target, body);
		trial_answer(&t);
		int expected = more ? 400 : counts[c].yes;
		if (t.status != expected)
			fail_msg("%d, not %d: %zu at %s: " STR_FMT, t.status, expected,
				 counts[c].most + more, counts[c].target, STR_ARG(t.body));
		trial_end(&t);
	}
	arena_fini(&a);
}

/* A person of an upsert has as many of each kind as any. */
static void test_contacts_of_each_kind(void **state)
{
	static const struct {
		const char *item;
		size_t n;
		const char *holds;
	} rows[] = {
		{ "{\"identifier\":\"41#\",\"type\":\"PHONE\"}", 100, "\"errors\":[]" },
		{ "{\"identifier\":\"41#\",\"type\":\"PHONE\"}", 101,
		  "\"property\":\"contactInformation\",\"message\":\"contactInformation may have "
		  "at most 100 items of "
		  "type PHONE, not 101\"" },
		{ "{\"identifier\":\"a#@x.io\",\"type\":\"email\"}", 100, "\"errors\":[]" },
		{ "{\"identifier\":\"a#@x.io\",\"type\":\"email\"}", 101,
		  "items of type EMAIL, not 101" },
		{ "{\"identifier\":\"41#\",\"type\":\"PHONE\"},{\"identifier\":\"a#@x.io\","
		  "\"type\":"
		  "\"EMAIL\"}",
		  100, "\"errors\":[]" },
		{ "{\"identifier\":\"41#\",\"type\":\"PHONE\"},{\"identifier\":\"a#@x.io\","
		  "\"type\":"
		  "\"EMAIL\"}",
		  101, "at most 200 items, not 202" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct trial t;
		struct arena a;
		arena_init(&a, 16 * 1024 * 1024, NULL);
		struct str body = list_of(&a, "{\"persons\":[{\"contactInformation\":[",
					  rows[i].item, rows[i].n, "]}]}");
		run_at(&t, METHOD_PUT, UPSERT, body);
		assert_true(t.call.divisible);
		trial_answer(&t);
		assert_int_equal(t.status, 207);
		assert_holds(t.body, rows[i].holds);
		trial_end(&t);
		arena_fini(&a);
	}
}

/* However long an id may be, an identity holds so many bytes. */
static void test_long_ids(void **state)
{
	static const struct {
		const char *character;
		size_t n;
		int status;
		const char *holds;
	} rows[] = {
		{ "x", 256, 200, NULL },
		{ "x", 257, 400, "\"externalId may have at most 256 characters, not 257\"]" },
		{ "\xC3\xA9", 256, 200, NULL },
		{ "\xF0\x9F\x98\x80", 128, 200, NULL },
		{ "\xF0\x9F\x98\x80", 129, 400,
		  "\"externalId may have at most 512 bytes, not 516\"]" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct trial t;
		char body[2048];
		char *at = stpcpy(body, "{\"externalId\":\"");
		for (size_t k = 0; k < rows[i].n; k++)
			at = stpcpy(at, rows[i].character);
		strcpy(at, "\"}");
		run_at(&t, METHOD_POST, PERSONS, str_of(body));
		trial_answer(&t);
		assert_int_equal(t.status, rows[i].status);
		assert_holds(t.body, rows[i].holds);
		trial_end(&t);
	}
}

/* Only what a body could name a person by. */
static void test_who_brings_a_person_into_being(void **state)
{
	static const struct {
		const char *type, *id;
		bool creates;
	} rows[] = {
		{ "PHONE", "%2B41%20(79)%20302-67.27", true },
		{ "PHONE", "1", true },
		{ "PHONE", "john1%40acme.com", false },
		{ "PHONE", "41793026727x", false },
		{ "PHONE", "41%2B79", false },
		{ "PHONE", "12345678901234567890123456789012345678901234567890", true },
		{ "PHONE", "123456789012345678901234567890123456789012345678901", false },
		{ "EMAIL", "john1%40acme.com", true },
		{ "EMAIL", "john1", false },
		{ "EXTERNAL_ID", "john1", true },
		{ "ID", "1", false },
		{ "LINE", "1", false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct trial t;
		char target[256];
		snprintf(target, sizeof(target),
			 "/peopleevents/2/persons/%s/definitions/rich/"
			 "events?identifierType=%s&createPerson=true",
			 rows[i].id, rows[i].type);
		run_at(&t, METHOD_POST, target, STR("{}"));
		assert_int_equal(t.why, REFUSE_NOTHING);
		bool creates = t.call.ops->who[0].use & WHO_CREATES;
		if (creates != rows[i].creates)
			fail_msg("%s", target);
		trial_end(&t);
	}
}

/* However many more than there may be, and however many there are already. */
static void test_fields_beyond_all_room(void **state)
{
	static const struct {
		const char *target, *before;
	} rows[] = {
		{ CROWDED, INSIDE("items", "List") },
		{ CROWDED, INSIDE("place", "Object") },
		{ RICH, INSIDE("items", "List") },
		{ CROWDED, "{\"title\":\"t\",\"fields\":[" },
	};
	static const size_t sizes[] = { 129, 130, 131, 192, 193, 255, 256, 257, 5000 };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(sizes); i++) {
		struct trial t;
		struct arena a;
		const char *before = rows[i / ARRAY_LEN(sizes)].before;
		arena_init(&a, 16 * 1024 * 1024, NULL);
		struct str body = list_of(&a, before, "{\"name\":\"b#\",\"type\":\"String\"}",
					  sizes[i % ARRAY_LEN(sizes)],
					  strstr(before, "schema") ? "]}}]}" : "]}");
		run_at(&t, METHOD_POST, rows[i / ARRAY_LEN(sizes)].target, body);
		assert_int_equal(t.why, REFUSE_PROBLEMS);
		trial_answer(&t);
		assert_int_equal(t.status, 400);
		assert_holds(t.body, "at most 1");
		trial_end(&t);
		arena_fini(&a);
	}
}

/* --- Identifiers --- */

/* Somebody who cannot be looked for is not nobody. */
static void test_no_memory_is_not_nobody(void **state)
{
	static const struct {
		enum identity_kind kind;
		const char *value;
		enum refusal plenty, none; /* with memory, and without */
	} rows[] = {
		{ IDENTITY_EMAIL, "Jane@x.io", REFUSE_NOTHING, REFUSE_OVERLOADED },
		{ IDENTITY_EMAIL, "jane@x.io", REFUSE_NOTHING, REFUSE_NOTHING },
		{ IDENTITY_EMAIL, " \t", REFUSE_PROBLEMS, REFUSE_PROBLEMS },
		{ IDENTITY_EMAIL, "", REFUSE_PROBLEMS, REFUSE_PROBLEMS },
		{ IDENTITY_PHONE, "41", REFUSE_NOTHING, REFUSE_OVERLOADED },
		{ IDENTITY_PHONE, "none", REFUSE_PROBLEMS, REFUSE_PROBLEMS },
		{ IDENTITY_EXTERNAL_ID, "3F2504E0-4F89-41D3-9A0C-0305E82C3301", REFUSE_NOTHING,
		  REFUSE_OVERLOADED },
		{ IDENTITY_EXTERNAL_ID, "\xFF", REFUSE_PROBLEMS, REFUSE_PROBLEMS },
		{ IDENTITY_NUMBER, "7", REFUSE_NOTHING, REFUSE_NOTHING },
		{ IDENTITY_NUMBER, "x", REFUSE_PROBLEMS, REFUSE_PROBLEMS },
		{ IDENTITY_NUMBER, "123456789012345678901", REFUSE_PROBLEMS, REFUSE_PROBLEMS },
	};
	struct arena plenty, none;
	(void)state;
	arena_init(&plenty, 64 * 1024, NULL);
	arena_init(&none, 0, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct who w;
		struct str value = str_of(rows[i].value);
		print_message("%s\n", rows[i].value);
		assert_int_equal(infobip_identify(&plenty, rows[i].kind, value, &w),
				 rows[i].plenty);
		assert_int_equal(infobip_identify(&none, rows[i].kind, value, &w), rows[i].none);
	}
	arena_fini(&none);
	arena_fini(&plenty);
}

/* --- eventId --- */

static void test_event_ids_are_recognised(void **state)
{
	(void)state;
	struct trial t;
	run_at(&t, METHOD_POST,
	       "/peopleevents/2/persons/3/definitions/rich/events?identifierType=EXTERNAL_ID",
	       STR("{\"eventId\":\"order-1\",\"properties\":{\"amount\":2}}"));
	assert_int_equal(t.why, REFUSE_NOTHING);
	assert_true(str_eq(t.call.ops->dedupe.key, STR("order-1")));
	assert_int_equal(t.call.ops->dedupe.space, DEDUPE_INFOBIP_EVENT);
	assert_int_equal(t.call.ops->dedupe.keep_s, 0);
	/* What the committer gives back of the first event is what is shown. */
	assert_true(t.call.ops->wants_first);
	t.call.ops->repeated = true;
	t.call.ops->properties = STR("{\"amount\":1}");
	t.call.ops->definition_name = STR("other");
	t.call.ops->occurred_given = true;
	t.call.ops->occurred_at = US_PER_S;
	trial_answer(&t);
	assert_holds(t.body, "{\"eventId\":\"order-1\",\"definitionId\":\"other\","
			     "\"occurredTime\":\"1970-01-01T00:00:01.0000000Z\"");
	assert_holds(t.body, "\"properties\":{\"amount\":1}");
	trial_end(&t);
}

/* A batch is all or nothing, so nothing it asks for may be refused once it has passed the check. */
static void test_batches_ask_for_nothing_more(void **state)
{
	(void)state;
	struct trial t;
	run_at(&t, METHOD_POST, "/people/3/events",
	       STR("[{\"definitionId\":\"rich\",\"occurredTime\":\"2030-01-01T00:00:00Z\","
		   "\"identifier\":{\"id\":\"a@x.io\",\"type\":\"EMAIL\"},\"eventId\":\"e\"}]"));
	assert_int_equal(t.why, REFUSE_NOTHING);
	assert_int_equal(t.call.n_ops, 1);
	assert_true(t.call.all_or_nothing);
	assert_false(t.call.divisible);
	assert_false(t.call.ops->wants_first);
	assert_false(t.call.ops->wants_view);
	trial_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_contacts_of_each_kind),
		cmocka_unit_test(test_long_ids),
		cmocka_unit_test(test_who_brings_a_person_into_being),
		cmocka_unit_test(test_fields_beyond_all_room),
		cmocka_unit_test(test_no_memory_is_not_nobody),
		cmocka_unit_test(test_event_ids_are_recognised),
		cmocka_unit_test(test_batches_ask_for_nothing_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
