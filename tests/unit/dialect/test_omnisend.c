/* Omnisend's /v4/track up to the committer and back; omnisend.md section 6 has the case numbers. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "fuzz/dialect_fuzz.h"

static const struct trial_request track = {
	METHOD_POST,
	"/v4/track",
	{ { STR_INIT("Authorization"), STR_INIT("Bearer " TRIAL_KEY) } },
};

static void run(struct trial *t, const char *body)
{
	trial_run(t, &omnisend, &track, str_of(body), TRIAL_MEMORY);
}

#define CONTACT "\"contact\":{\"email\":\"jane@example.com\"}"
/* A body of one event with these properties. */
#define EVENT(name, properties) \
	"{\"eventName\":\"" name "\"," CONTACT ",\"properties\":" properties "}"
/* A body with these members of contact. */
#define WITH(contact) "{\"eventName\":\"x\",\"contact\":{" contact "}}"
#define JANE(more)    WITH("\"email\":\"jane@example.com\"," more)

/* --- What an operation says, as text --- */

static void put_who(struct buf *b, const struct op *op)
{
	static const char letters[] = "LCARS"; /* in the order of the bits of enum who_use */
	for (unsigned i = 0; i < op->n_who; i++) {
		const struct who *w = &op->who[i];
		buf_printf(b, "%s%s:", i ? " " : "", identity_kind_name(w->kind));
		for (unsigned bit = 0; bit < 5; bit++)
			if (w->use >> bit & 1)
				buf_char(b, letters[bit]);
		buf_printf(b, ":" STR_FMT, STR_ARG(w->value));
		if (w->key.p && !str_eq(w->key, w->value))
			buf_printf(b, "(" STR_FMT ")", STR_ARG(w->key));
	}
}

static void put_changes(struct buf *b, const struct op *op)
{
	static const char *const verbs[] = { "set", "remove", "union", "record" };
	for (unsigned i = 0; i < op->n_changes; i++) {
		const struct attribute_change *c = &op->changes[i];
		buf_printf(b, "%s%s %s" STR_FMT "%s" STR_FMT, i ? "; " : "", verbs[c->verb],
			   c->custom ? "custom " : "", STR_ARG(c->name), c->json.n ? "=" : "",
			   STR_ARG(c->json));
	}
}

static void put_scheme(struct buf *b, const struct op *op)
{
	if (op->definition)
		buf_printf(b, "%u ", op->definition);
	buf_put(b, op->definition_name);
	for (unsigned i = 0; i < op->n_seen; i++)
		buf_printf(b, "%s" STR_FMT ":%s", i ? "," : " ", STR_ARG(op->seen[i].name),
			   field_type_name(op->seen[i].type));
}

static void put_properties(struct buf *b, const struct op *op)
{
	buf_put(b, op->properties);
}

static void expect(struct trial *t, void (*put)(struct buf *b, const struct op *op),
		   const char *expected)
{
	struct buf b = buf_in(&t->req.arena);
	if (!expected)
		return;
	put(&b, t->call.ops);
	buf_char(&b, '\0');
	assert_false(b.failed);
	assert_string_equal(b.p, expected);
}

/* --- Accepted --- */

struct accepted {
	const char *body;
	const char *who, *changes, *scheme, *properties; /* NULL: not looked at */
};

#define JANE_WHO "email:LCA:jane@example.com"

static const struct accepted accepted[] = {
	/* 1: types are detected */
	{ EVENT("rated", "{\"stars\":5,\"ok\":true,\"ratio\":1.23,\"note\":\"hi\"}"),
	  .who = JANE_WHO, .changes = "",
	  .scheme = "rated stars:integer,ok:boolean,ratio:number,note:string",
	  .properties = "{\"stars\":5,\"ok\":true,\"ratio\":1.23,\"note\":\"hi\"}" },
	/* 6, 7: integers by value */
	{ EVENT("n", "{\"a\":4.0,\"b\":1e1,\"c\":-0.0,\"d\":1200e-2,\"e\":9223372036854775807}"),
	  .scheme = "n a:integer,b:integer,c:integer,d:integer,e:integer",
	  .properties = "{\"a\":4,\"b\":10,\"c\":0,\"d\":12,\"e\":9223372036854775807}" },
	/* 10: the shapes of strings */
	{ EVENT("typed", "{\"d\":\"2021-09-01\",\"t\":\"2021-09-01T12:41:52Z\","
			 "\"z\":\"2021-09-01T12:41:52+03:00\",\"m\":\"a@b.co\","
			 "\"u\":\"https://example.com/\"}"),
	  .scheme = "typed d:date,t:datetime,z:datetime,m:email,u:url" },
	{ EVENT("plain", "{\"a\":\"2021-13-01\",\"b\":\"2021-09-01T12:41:52\",\"c\":\"\","
			 "\"d\":\"2021-09-01 12:41:52Z\",\"e\":\"a@b\",\"f\":\"ftp://x\"}"),
	  .scheme = "plain a:string,b:string,c:string,d:string,e:string,f:string" },
	/* 16, 17: six decimals, after the type is known */
	{ EVENT("round", "{\"f\":1.23456789}"), .scheme = "round f:number",
	  .properties = "{\"f\":1.234568}" },
	{ EVENT("round", "{\"f\":-0.0000004}"), .scheme = "round f:number",
	  .properties = "{\"f\":0}" },
	{ EVENT("round", "{\"f\":1.0000001,\"g\":-2.7182818,\"h\":999.9999999}"),
	  .scheme = "round f:number,g:number,h:number",
	  .properties = "{\"f\":1,\"g\":-2.718282,\"h\":1000}" },
	{ EVENT("round", "{\"f\":1.5e-7,\"g\":123456789.1234567E-1,\"h\":0.1234560000}"),
	  .properties = "{\"f\":0,\"g\":12345678.912346,\"h\":0.1234560000}" },
	/* a tie as %.6f sees it: 2^-7 has seven decimals */
	{ EVENT("round", "{\"f\":0.0078125,\"g\":0.0234375}"),
	  .properties = "{\"f\":0.007812,\"g\":0.023438}" },
	/* beyond 64 bits: the text stays */
	{ EVENT("big", "{\"f\":9223372036854775808,\"g\":1e30,\"h\":1E+299,\"i\":1.5e300}"),
	  .scheme = "big f:number,g:number,h:number,i:number",
	  .properties = "{\"f\":9223372036854775808,\"g\":1e30,\"h\":1E+299,\"i\":1.5e300}" },
	{ EVENT("big", "{\"f\":123456789012345678.12}"),
	  .properties = "{\"f\":123456789012345678.12}" },
	/* 24: names are case-sensitive */
	{ EVENT("case", "{\"Color\":\"red\",\"color\":7}"),
	  .scheme = "case Color:string,color:integer" },
	/* 46: null is left out, and not part of the scheme */
	{ EVENT("x", "{\"gone\":null,\"here\":1}"), .scheme = "x here:integer",
	  .properties = "{\"here\":1}" },
	{ EVENT("x", "{\"gone\":null}"), .scheme = "x", .properties = "{}" },
	/* 44 */
	{ EVENT("x", "null"), .properties = "{}" },
	{ EVENT("x", "[]"), .properties = "{}" },
	{ "{\"eventName\":\"x\"," CONTACT "}", .scheme = "x", .properties = "{}" },
	/* equal keys: the last one */
	{ EVENT("x", "{\"a\":1,\"a\":\"b\"}"), .scheme = "x a:string",
	  .properties = "{\"a\":\"b\"}" },
	{ EVENT("x", "{\"a\":\"\\u00e9\\\"\\u0001\"}"),
	  .properties = "{\"a\":\"\xc3\xa9\\\"\\u0001\"}" },

	/* A known scheme, nothing new: its number is enough, unless it goes meanwhile */
	{ EVENT("viewed page", "{\"seconds\":4.0,\"title\":\"a@b.co\"}"),
	  .scheme = "4 viewed page seconds:integer,title:email",
	  .properties = "{\"seconds\":4,\"title\":\"a@b.co\"}" },
	{ EVENT("viewed page", "{}"), .scheme = "4 viewed page" },
	/* One that grows: the committer has the last word */
	{ EVENT("viewed page", "{\"seconds\":4,\"fresh\":true}"),
	  .scheme = "viewed page seconds:integer,fresh:boolean" },
	/* A declared one never grows */
	{ EVENT("rich", "{\"count\":1,\"amount\":2,\"undeclared\":true}"),
	  .scheme = "3 rich count:integer,amount:integer,undeclared:boolean",
	  .properties = "{\"count\":1,\"amount\":2,\"undeclared\":true}" },
	/* Names are compared exactly */
	{ EVENT("Viewed page", "{}"), .scheme = "Viewed page" },

	/* Who: 30, 35, 37, 38 and decisions 3, 4, 27 */
	{ WITH("\"phoneNumber\":\"+37061234567\""), .who = "phone:LCR:+37061234567(37061234567)" },
	{ WITH("\"phone\":\" (370) 612-34.567\""), .who = "phone:LCR:+37061234567(37061234567)" },
	{ WITH("\"phone\":\"+1000000\",\"phoneNumber\":\"+2000000\""),
	  .who = "phone:LCR:+2000000(2000000)" },
	{ WITH("\"phone\":\"+1000000\",\"phoneNumber\":\"\""),
	  .who = "phone:LCR:+1000000(1000000)" },
	{ WITH("\"id\":\"60fe7581b0aa9fa6e928f794\""), .who = "hex:L:60fe7581b0aa9fa6e928f794" },
	{ WITH("\"email\":\" Jane@Example.com \",\"id\":\"60fe7581b0aa9fa6e928f794\","
	       "\"phoneNumber\":\"370612345\""),
	  .who = "hex:L:60fe7581b0aa9fa6e928f794 email:LCA:Jane@Example.com(jane@example.com) "
		 "phone:LCR:+370612345(370612345)" },
	{ WITH("\"id\":\"60FE7581B0AA9FA6E928F794\",\"email\":\"jane@example.com\""),
	  .who = JANE_WHO },
	{ WITH("\"email\":\"jane@example.com\",\"phone\":\"  \",\"id\":null"), .who = JANE_WHO },
	{ "{\"eventName\":\"x\",\"email\":\"jane@example.com\"}", .who = JANE_WHO, .changes = "" },
	{ "{\"eventName\":\"x\",\"contact\":null,\"contactID\":\"60fe7581b0aa9fa6e928f794\","
	  "\"phone\":\"370612345\",\"firstName\":\"no\"}",
	  .who = "hex:L:60fe7581b0aa9fa6e928f794 phone:LCR:+370612345(370612345)", .changes = "" },

	/* What changes: 31 to 34, 58 */
	{ JANE("\"firstName\":\"Jane\",\"city\":\"Kaunas\",\"gender\":\"f\","
	       "\"birthdate\":\"1981-11-05\",\"countryCode\":\"LT\",\"postalCode\":\"44001\""),
	  .who = JANE_WHO,
	  .changes = "set first_name=\"Jane\"; set gender=\"f\"; set birthdate=\"1981-11-05\"; "
		     "set city=\"Kaunas\"; set country_code=\"LT\"; set postal_code=\"44001\"" },
	{ JANE("\"lastName\":\"\\\"Q\\\"\",\"address\":\"A 1\",\"state\":\"S\",\"country\":\"C\""),
	  .changes = "set last_name=\"\\\"Q\\\"\"; set address=\"A 1\"; set state=\"S\"; set "
		     "country=\"C\"" },
	{ JANE("\"firstName\":null,\"lastName\":\"\",\"gender\":\"\",\"tags\":null,"
	       "\"consents\":[],\"optIns\":\"\",\"customProperties\":null,\"shoe\":42"),
	  .who = JANE_WHO, .changes = "" },
	{ JANE("\"customProperties\":[],\"tags\":[]"), .changes = "" },
	{ JANE("\"customProperties\":\"\""), .changes = "" },
	{ JANE("\"customProperties\":{\"plan\":\"pro\",\"n\":1.50,\"l\":[\"a\",\"b\"],\"b\":true,"
	       "\"gone\":null}"),
	  .changes = "set custom plan=\"pro\"; set custom n=1.50; set custom l=[\"a\",\"b\"]; "
		     "set custom b=true; remove custom gone" },
	{ JANE("\"tags\":[\"b\",\"\",\"a\"]"), .changes = "union tags=[\"b\",\"a\"]" },
	{ JANE("\"consents\":[{\"channel\":\"phone\",\"createdAt\":\"2024-05-01T10:00:00Z\","
	       "\"ip\":\"198.51.100.7\",\"source\":\"checkout\",\"userAgent\":\"x\",\"more\":1},"
	       "{\"channel\":\"email\",\"source\":\"\"}]"),
	  .changes = "record consents=[{\"channel\":\"sms\",\"createdAt\":\"2024-05-01T10:00:00Z\","
		     "\"ip\":\"198.51.100.7\",\"source\":\"checkout\",\"userAgent\":\"x\"},"
		     "{\"channel\":\"email\"}]" },
	{ JANE("\"optIns\":[{\"channel\":\"sms\"}],"
	       "\"optOuts\":[{\"channel\":\"sms\",\"reason\":\"r\",\"ip\":\"1\"}]"),
	  .changes = "record opt_ins=[{\"channel\":\"sms\"}]; "
		     "record opt_outs=[{\"channel\":\"sms\",\"reason\":\"r\"}]" },
};

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
		const struct accepted *a = &accepted[i];
		struct trial t;
		run(&t, a->body);
		if (t.why)
			fail_msg("refused (%d): %s", t.why, a->body);
		const struct op *op = t.call.ops;
		assert_int_equal(t.call.n_ops, 1);
		assert_int_equal(op->workspace, 1);
		assert_int_equal(op->dialect, DIALECT_OMNISEND);
		assert_int_equal(op->custom_max, 200);
		assert_false(op->occurred_given);
		expect(&t, put_who, a->who);
		expect(&t, put_changes, a->changes);
		expect(&t, put_scheme, a->scheme);
		expect(&t, put_properties, a->properties);
		trial_answer(&t);
		assert_int_equal(t.status, 202);
		assert_int_equal(t.body.n, 0);
		trial_end(&t);
	}
}

/* --- Refused --- */

struct refused {
	const char *body;
	const char *text; /* stands in the answer */
};

static const struct refused refused[] = {
	/* 42, 43 */
	{ "{\"eventName\":", "{\"error\":\"Invalid JSON body\"}" },
	{ "[]", "{\"error\":\"Invalid JSON body\"}" },
	{ "\"x\"", "{\"error\":\"Invalid JSON body\"}" },
	{ "null", "{\"error\":\"Invalid JSON body\"}" },
	{ "", "{\"error\":\"Invalid JSON body\"}" },
	/* 29 and decision 32 */
	{ "{" CONTACT "}", "\"eventName\":[" },
	{ "{\"eventName\":null," CONTACT "}", "\"eventName\":[" },
	{ "{\"eventName\":\"\"," CONTACT "}", "\"eventName\":[" },
	{ "{\"eventName\":\" \\t\"," CONTACT "}", "\"eventName\":[" },
	{ "{\"eventName\":7," CONTACT "}", "\"eventName\":[" },
	/* 27, 28, 36, 57 */
	{ "{\"eventName\":\"x\",\"properties\":{}}", "\"contact\":[" },
	{ WITH("\"firstName\":\"J\""), "\"contact\":[" },
	{ WITH("\"email\":\"\",\"phone\":\" \""), "\"contact\":[" },
	{ "{\"eventName\":\"x\",\"contact\":[]}", "\"contact\":[" },
	{ "{\"eventName\":\"x\",\"contact\":\"jane@example.com\"}", "\"contact\":[" },
	{ WITH("\"id\":\"nobody\""), "\"contact.id\":[" },
	{ WITH("\"id\":7"), "\"contact.id\":[" },
	{ WITH("\"email\":\"bad\""),
	  "{\"error\":\"1 error(s) found. Check 'fields' array for details.\","
	  "\"fields\":{\"contact.email\":[\"contact.email must be an e-mail address\"]}}" },
	{ WITH("\"email\":\"bad\",\"phone\":\"+37061234567\""), "\"contact.email\":[" },
	{ WITH("\"phoneNumber\":\"12345\""), "\"contact.phoneNumber\":[" },
	{ WITH("\"phoneNumber\":\"1234567890123456\""), "\"contact.phoneNumber\":[" },
	{ WITH("\"phoneNumber\":\"1+234567\""), "\"contact.phoneNumber\":[" },
	{ WITH("\"phone\":\"call me\""), "\"contact.phone\":[" },
	{ "{\"eventName\":\"x\",\"email\":\"bad\"}", "\"fields\":{\"email\":[" },
	/* 49, decision 35 */
	{ "{\"eventName\":\"x\"," CONTACT ",\"eventID\":\"nope\"}", "\"eventID\":[" },
	{ "{\"eventName\":\"x\"," CONTACT ",\"eventID\":5}", "\"eventID\":[" },
	{ "{\"eventName\":\"x\"," CONTACT ",\"eventTime\":\"yesterday\"}", "\"eventTime\":[" },
	{ "{\"eventName\":\"x\"," CONTACT ",\"eventTime\":\"2021-07-01T00:00:00\"}",
	  "\"eventTime\":[" },
	{ "{\"eventName\":\"x\"," CONTACT ",\"eventTime\":1625090400}", "\"eventTime\":[" },
	/* 18, 19, 45 */
	{ EVENT("x", "{\"a\":{\"b\":1}}"), "\"properties.a\":[" },
	{ EVENT("x", "{\"a\":[1]}"), "\"properties.a\":[" },
	{ EVENT("x", "{\"a\":[]}"), "\"properties.a\":[" },
	{ EVENT("x", "\"x\""), "\"properties\":[" },
	{ EVENT("x", "\"\""), "\"properties\":[" },
	{ EVENT("x", "[1]"), "\"properties\":[" },
	{ EVENT("x", "0"), "\"properties\":[" },
	/* 23 */
	{ EVENT("x", "{\"a-b\":1}"), "\"properties.a-b\":[" },
	{ EVENT("x", "{\"a b\":1}"), "\"properties.a b\":[" },
	{ EVENT("x", "{\"a.b\":1}"), "\"properties.a.b\":[" },
	{ EVENT("x", "{\"\xc5\xbe\":1}"), "\"properties.\xc5\xbe\":[" },
	{ EVENT("x", "{\"\":1}"), "\"properties.\":[" },
	{ EVENT("x", "{\"a b\":null}"), "\"properties.a b\":[" },
	/* 4, 5, 8, 11 to 14 against what is recorded */
	{ EVENT("viewed page", "{\"seconds\":\"five\"}"),
	  "{\"error\":\"1 error(s) found. Check 'fields' array for details.\",\"fields\":{"
	  "\"properties.seconds\":[\"seconds: expected int, got string\"]}}" },
	{ EVENT("viewed page", "{\"seconds\":4.5}"), "seconds: expected int, got float" },
	{ EVENT("viewed page", "{\"title\":true}"), "title: expected string, got bool" },
	{ EVENT("viewed page", "{\"url\":\"ftp//x\"}"), "url: expected url, got string" },
	{ EVENT("viewed page", "{\"url\":\"\"}"), "url: expected url, got string" },
	{ EVENT("viewed page", "{\"fresh\":1,\"title\":5}"), "title: expected string, got int" },
	{ EVENT("rich", "{\"flag\":\"true\"}"), "flag: expected bool, got string" },
	{ EVENT("rich", "{\"flag\":0}"), "flag: expected bool, got int" },
	{ EVENT("rich", "{\"amount\":\"5\"}"), "amount: expected float, got string" },
	{ EVENT("rich", "{\"day\":\"2021-13-01\"}"), "day: expected date, got string" },
	{ EVENT("rich", "{\"day\":\"2021-09-01T12:41:52Z\"}"), "day: expected date, got dateTime" },
	{ EVENT("rich", "{\"moment\":\"2021-09-01\"}"), "moment: expected dateTime, got date" },
	{ EVENT("rich", "{\"mail\":\"not an address\"}"), "mail: expected email, got string" },
	{ EVENT("rich", "{\"place\":5}"), "place: expected object, got int" },
	/* decision 29 */
	{ JANE("\"gender\":\"x\""), "\"contact.gender\":[" },
	{ JANE("\"birthdate\":\"1/2/90\""), "\"contact.birthdate\":[" },
	{ JANE("\"birthdate\":\"1990-02-30\""), "\"contact.birthdate\":[" },
	{ JANE("\"countryCode\":\"LITHUANIA\""), "\"contact.countryCode\":[" },
	{ JANE("\"countryCode\":\"1T\""), "\"contact.countryCode\":[" },
	{ JANE("\"firstName\":5"), "\"contact.firstName\":[" },
	{ JANE("\"postalCode\":\"123456789012345678901\""), "\"contact.postalCode\":[" },
	{ JANE("\"tags\":\"vip\""), "\"contact.tags\":[" },
	{ JANE("\"tags\":[\"a\",5]"), "\"contact.tags[1]\":[" },
	{ JANE("\"consents\":{}"), "\"contact.consents\":[" },
	{ JANE("\"consents\":[\"email\"]"), "\"contact.consents[0]\":[" },
	{ JANE("\"consents\":[{\"channel\":\"email\"},{}]"), "\"contact.consents[1].channel\":[" },
	{ JANE("\"optIns\":[{\"channel\":\"fax\"}]"), "\"contact.optIns[0].channel\":[" },
	{ JANE("\"optOuts\":[{\"channel\":\"sms\",\"createdAt\":\"x\"}]"),
	  "\"contact.optOuts[0].createdAt\":[" },
	{ JANE("\"customProperties\":7"), "\"contact.customProperties\":[" },
	{ JANE("\"customProperties\":[1]"), "\"contact.customProperties\":[" },
	{ JANE("\"customProperties\":{\"a b\":1}"), "\"contact.customProperties.a b\":[" },
	{ JANE("\"customProperties\":{\"a\":{}}"), "\"contact.customProperties.a\":[" },
	{ JANE("\"customProperties\":{\"a\":[1]}"), "\"contact.customProperties.a[0]\":[" },
	/* all at once */
	{ "{\"contact\":{\"email\":\"bad\",\"gender\":\"x\"},\"properties\":{\"a\":[],\"b c\":1}}",
	  "{\"error\":\"5 error(s) found." },
};

static void assert_holds(struct str body, const char *text)
{
	if (!memmem(body.p, body.n, text, strlen(text)))
		fail_msg("no %s in " STR_FMT, text, STR_ARG(body));
}

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct trial t;
		run(&t, refused[i].body);
		if (!t.why)
			fail_msg("accepted: %s", refused[i].body);
		trial_answer(&t);
		assert_int_equal(t.status, 400);
		assert_holds(t.body, refused[i].text);
		trial_end(&t);
	}
}

/* --- Limits --- */

struct limit {
	const char *before;
	const char *unit; /* repeated; %u in it counts */
	const char *after;
	unsigned fits; /* one more does not */
};

static const struct limit limits[] = {
	/* 20, 21; nulls count */
	{ "{\"eventName\":\"x\"," CONTACT ",\"properties\":{\"z\":null", ",\"p%u\":1", "}}", 99 },
	/* 22 */
	{ "{\"eventName\":\"x\"," CONTACT ",\"properties\":{\"", "n", "\":1}}", 128 },
	/* 25, 26: code points */
	{ "{\"eventName\":\"x\"," CONTACT ",\"properties\":{\"s\":\"", "s", "\"}}", 2048 },
	{ "{\"eventName\":\"x\"," CONTACT ",\"properties\":{\"s\":\"", "\xe2\x82\xac", "\"}}",
	  2048 },
	{ "{" CONTACT ",\"eventName\":\"", "e", "\"}", 255 },
	{ "{\"eventName\":\"x\",\"contact\":{\"phone\":\"1\",\"firstName\":\"", "\xc5\xbe",
	  "\",\"phoneNumber\":\"+37061234567\",\"phone\":\"\"}}", 50 },
	{ "{\"eventName\":\"x\",\"contact\":{\"phone\":\"+37061234567\",\"address\":\"", "a",
	  "\"}}", 500 },
	{ "{\"eventName\":\"x\",\"contact\":{\"phone\":\"+37061234567\",\"country\":\"", "a",
	  "\"}}", 100 },
	{ "{\"eventName\":\"x\",\"contact\":{\"phone\":\"+37061234567\",\"tags\":[\"t\"",
	  ",\"t%u\"", "]}}", 99 },
	{ "{\"eventName\":\"x\",\"contact\":{\"phone\":\"+37061234567\",\"consents\":["
	  "{\"channel\":\"sms\"}",
	  ",{\"channel\":\"sms\"}", "]}}", 99 },
	{ "{\"eventName\":\"x\",\"contact\":{\"phone\":\"+37061234567\",\"optIns\":["
	  "{\"channel\":\"sms\"}",
	  ",{\"channel\":\"sms\"}", "]}}", 9 },
	{ "{\"eventName\":\"x\",\"contact\":{\"phone\":\"+37061234567\",\"optOuts\":["
	  "{\"channel\":\"sms\"}",
	  ",{\"channel\":\"sms\"}", "]}}", 9 },
	{ "{\"eventName\":\"x\",\"contact\":{\"phone\":\"+37061234567\",\"optOuts\":["
	  "{\"channel\":\"sms\",\"reason\":\"",
	  "r", "\"}]}}", 100 },
	{ "{\"eventName\":\"x\",\"contact\":{\"phone\":\"+37061234567\",\"consents\":["
	  "{\"channel\":\"sms\",\"userAgent\":\"",
	  "u", "\"}]}}", 200 },
	{ "{\"eventName\":\"x\",\"contact\":{\"phone\":\"+37061234567\",\"customProperties\":{"
	  "\"removed\":null",
	  ",\"c%u\":1", "}}}", 200 },
	{ "{\"eventName\":\"x\",\"contact\":{\"phone\":\"+37061234567\",\"customProperties\":{\"",
	  "c", "\":1}}}", 128 },
};

static enum refusal run_limit(const struct limit *l, unsigned n)
{
	struct trial t;
	size_t room = strlen(l->before) + strlen(l->after) + n * (strlen(l->unit) + 10) + 1;
	char *text = malloc(room);
	assert_non_null(text);
	struct buf b = buf_over(text, room);
	buf_put(&b, str_of(l->before));
	for (unsigned i = 0; i < n; i++) {
		size_t mark = str_find(str_of(l->unit), '%');
		buf_put(&b, str_head(str_of(l->unit), mark));
		if (mark == strlen(l->unit))
			continue;
		buf_u64(&b, i);
		buf_put(&b, str_of(l->unit + mark + 2));
	}
	buf_put(&b, str_of(l->after));
	assert_false(b.failed);
	trial_run(&t, &omnisend, &track, buf_str(&b), TRIAL_MEMORY);
	enum refusal why = t.why;
	trial_end(&t);
	free(text);
	return why;
}

static void test_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		if (run_limit(&limits[i], limits[i].fits) != REFUSE_NOTHING)
			fail_msg("%u times %s is refused", limits[i].fits, limits[i].unit);
		if (run_limit(&limits[i], limits[i].fits + 1) != REFUSE_PROBLEMS)
			fail_msg("%u times %s is accepted", limits[i].fits + 1, limits[i].unit);
	}
}

/* --- Times --- */

static void test_event_time(void **state)
{
	static const struct {
		const char *body;
		instant_us at;
	} cases[] = {
		/* 50 */
		{ "{\"eventName\":\"x\"," CONTACT ",\"eventTime\":\"2021-07-01 00:00:00+02:00\"}",
		  1625090400 * US_PER_S },
		{ "{\"eventName\":\"x\"," CONTACT ",\"eventTime\":\"2021-06-30T22:00:00.5Z\"}",
		  1625090400 * US_PER_S + 500000 },
		{ "{\"eventName\":\"x\"," CONTACT ",\"eventTime\":\"2999-01-01T00:00:00Z\","
		  "\"eventID\":\"2f0c6a52-7c1e-4d67-9a55-6f3a6f6b8c01\"}",
		  32472144000 * US_PER_S },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, cases[i].body);
		assert_int_equal(t.why, REFUSE_NOTHING);
		assert_true(t.call.ops->occurred_given);
		assert_int_equal(t.call.ops->occurred_at, cases[i].at);
		trial_end(&t);
	}
}

/* --- Keys and the way back --- */

static void test_credentials(void **state)
{
	static const struct {
		struct header header;
		int status;
	} cases[] = {
		{ { STR_INIT("Authorization"), STR_INIT("bearer  " TRIAL_KEY) }, 202 },
		{ { STR_INIT("X-Api-Key"), STR_INIT(TRIAL_KEY) }, 202 },
		{ { STR_INIT("Authorization"), STR_INIT("Omnisend-API-Key " TRIAL_KEY) }, 202 },
		{ { STR_INIT("Authorization"), STR_INIT("Bearer wrong") }, 401 },
		{ { STR_INIT("Authorization"), STR_INIT("Bearer ") }, 401 },
		{ { STR_INIT("Authorization"), STR_INIT("App " TRIAL_KEY) }, 401 },
		{ { STR_INIT("Authorization"), STR_INIT(TRIAL_KEY) }, 401 },
		{ { STR_INIT("X-Other"), STR_INIT(TRIAL_KEY) }, 401 },
		{ { STR_INIT("X-API-KEY"), STR_INIT(TRIAL_KEY_READS) }, 403 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial_request from = { METHOD_POST, "/v4/track", { cases[i].header } };
		struct trial t;
		trial_run(&t, &omnisend, &from, STR(EVENT("x", "{}")), TRIAL_MEMORY);
		trial_answer(&t);
		assert_int_equal(t.status, cases[i].status);
		if (t.status == 401)
			assert_holds(t.body, "{\"error\":\"Unauthorized\"}");
		if (t.status == 403)
			assert_holds(t.body, "{\"error\":\"Forbidden\",\"fields\":{\"scope\":["
					     "\"events.write required\"]}}");
		trial_end(&t);
	}
}

static void test_method(void **state)
{
	struct trial_request from = { METHOD_GET, "/v4/track", { { STR_INIT(""), STR_INIT("") } } };
	struct trial t;
	(void)state;
	trial_run(&t, &omnisend, &from, STR(""), TRIAL_MEMORY);
	trial_answer(&t);
	assert_int_equal(t.status, 405);
	assert_true(str_eq(trial_header(&t, "Allow"), STR("POST")));
	trial_end(&t);
}

static void assert_header(const struct trial *t, const char *name, const char *value)
{
	assert_true(str_eq(trial_header(t, name), str_of(value)));
}

/* 61: the figures stand on every answer to a caller that is known. */
static void test_rate(void **state)
{
	(void)state;
	for (unsigned left = 0; left < 2; left++) {
		struct trial t;
		run(&t, EVENT("x", "{}"));
		t.call.limited = true;
		t.call.rate = (struct rate_state){ .limit = 400, .remaining = left, .reset_s = 42 };
		if (left == 0)
			t.why = REFUSE_RATE;
		trial_answer(&t);
		assert_int_equal(t.status, left ? 202 : 429);
		assert_header(&t, "X-Rate-Limit-Limit", "400");
		assert_header(&t, "X-Rate-Limit-Remaining", left ? "1" : "0");
		assert_header(&t, "X-Rate-Limit-Reset", "42");
		assert_true(str_eq(trial_header(&t, "Retry-After"),
				   left ? (struct str){ 0 } : STR("42")));
		trial_end(&t);
	}
	assert_int_equal(omnisend.rate.requests, 400);
	assert_int_equal(omnisend.rate.window_s, 60);
}

static void test_committer_refuses(void **state)
{
	static const struct {
		enum problem_code code;
		const char *field;
	} cases[] = {
		{ PROBLEM_UNKNOWN_CONTACT, "\"contact.id\":[" },
		{ PROBLEM_CONTACT_FULL, "\"contact\":[" },
		{ PROBLEM_DEFINITIONS_FULL, "\"eventName\":[" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial t;
		run(&t, WITH("\"id\":\"000000000000000000000000\""));
		trial_answer_refused(&t, cases[i].code);
		assert_int_equal(t.status, 400);
		assert_holds(t.body, cases[i].field);
		trial_end(&t);
	}
}

/* The committer had no memory left to say why. */
static void test_committer_refuses_without_a_word(void **state)
{
	struct trial t;
	(void)state;
	run(&t, EVENT("x", "{}"));
	t.call.ops->outcome = OP_REFUSED;
	t.call.endpoint->answer(&t.call);
	assert_int_equal(t.status, 503);
	assert_holds(t.body, "{\"error\":\"Service unavailable\"}");
	trial_end(&t);
}

/* 64: who comes second in a race is told by the committer, in the words of the first check. */
static void test_race(void **state)
{
	struct trial t;
	struct problems ps = { 0 };
	(void)state;
	run(&t, EVENT("race", "{\"v\":\"x\"}"));
	assert_int_equal(t.why, REFUSE_NOTHING);
	problem_at(&ps, PROBLEM_FIELD_TYPE, STR("properties.v"), .rule = "integer",
		   .actual = "string");
	t.call.ops->outcome = OP_REFUSED;
	t.call.ops->problems = &ps;
	t.call.endpoint->answer(&t.call);
	assert_int_equal(t.status, 400);
	assert_holds(t.body, "\"properties.v\":[\"v: expected int, got string\"]");
	trial_end(&t);
}

static void test_trouble(void **state)
{
	struct trial t;
	(void)state;
	run(&t, EVENT("x", "{}"));
	trial_answer_trouble(&t, REFUSE_OVERLOADED);
	assert_int_equal(t.status, 503);
	assert_true(trial_header(&t, "Retry-After").n > 0);
	trial_end(&t);
	run(&t, EVENT("x", "{}"));
	trial_answer_trouble(&t, REFUSE_UNAVAILABLE);
	assert_int_equal(t.status, 500);
	assert_holds(t.body, "{\"error\":\"Internal server error\"}");
	trial_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_event_time),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_method),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_committer_refuses),
		cmocka_unit_test(test_committer_refuses_without_a_word),
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_trouble),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
