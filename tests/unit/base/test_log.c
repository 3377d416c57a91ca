#include "base/log.h"

#include "base/json.h"
#include "base/timefmt.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int real_stderr = -1, captured = -1;

static int begin_capture(void **state)
{
	(void)state;
	real_stderr = dup(STDERR_FILENO);
	captured = memfd_create("log", 0);
	log_set_level(LOG_INFO);
	return dup2(captured, STDERR_FILENO) < 0;
}

static int end_capture(void **state)
{
	(void)state;
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(captured);
	return 0;
}

/* All that was logged since the last call. */
static struct str logged(struct arena *a)
{
	off_t n = lseek(captured, 0, SEEK_END);
	char *p = arena_alloc(a, (size_t)n);
	assert_non_null(p);
	assert_int_equal(pread(captured, p, (size_t)n, 0), n);
	assert_int_equal(ftruncate(captured, 0), 0);
	lseek(captured, 0, SEEK_SET);
	return (struct str){ p, (size_t)n };
}

/* Exactly one line, as JSON. */
static yyjson_val *logged_line(struct arena *a)
{
	struct str text = logged(a);
	yyjson_val *v = NULL;
	assert_true(text.n > 0 && text.n <= 8192);
	assert_int_equal(str_find(text, '\n'), text.n - 1);
	assert_int_equal(json_parse(a, text, &v, NULL), JSON_OK);
	return v;
}

static void assert_member(yyjson_val *line, const char *name, struct str wanted)
{
	struct str found = json_str(json_get(line, str_of(name)));
	if (!found.p || !str_eq(found, wanted))
		fail_msg("%s is " STR_FMT, name, STR_ARG(found));
}

static void writes_one_object_per_line(void **state)
{
	struct arena a;
	arena_init(&a, 1 << 20, NULL);
	log_info("started", LOG_S("listen", "127.0.0.1:8090"), LOG_I("loops", -2),
		 LOG_I("max", INT64_MAX), LOG_STR("odd", STR("a\"\\\n\0\x1f")));
	struct str text = logged(&a);
	assert_true(str_starts(text, STR("{\"time\":\"2")));
	yyjson_val *line = NULL;
	assert_int_equal(json_parse(&a, text, &line, NULL), JSON_OK);
	assert_int_equal(yyjson_obj_size(line), 7);
	assert_true(time_parse(json_str(json_get(line, STR("time"))), TIME_STRICT, NULL));
	assert_int_equal(json_str(json_get(line, STR("time"))).n, 24);
	assert_member(line, "level", STR("info"));
	assert_member(line, "event", STR("started"));
	assert_member(line, "listen", STR("127.0.0.1:8090"));
	assert_member(line, "loops", STR("-2"));
	assert_member(line, "max", STR("9223372036854775807"));
	assert_member(line, "odd", STR("a\"\\\n\0\x1f"));

	log_warning("alone");
	line = logged_line(&a);
	assert_int_equal(yyjson_obj_size(line), 3);
	assert_member(line, "level", STR("warning"));
	log_error("worse", LOG_STR("none", (struct str){ 0 }));
	line = logged_line(&a);
	assert_member(line, "level", STR("error"));
	arena_fini(&a);
	(void)state;
}

static void drops_what_is_below_the_level(void **state)
{
	static const struct log_field none[] = { { 0 } };
	struct arena a;
	arena_init(&a, 1 << 20, NULL);
	for (int least = LOG_DEBUG; least <= LOG_ERROR; least++) {
		log_set_level((enum log_level)least);
		for (int level = LOG_DEBUG; level <= LOG_ERROR; level++) {
			log_line((enum log_level)level, "event", none);
			assert_int_equal(logged(&a).n > 0, level >= least);
		}
	}
	arena_fini(&a);
	(void)state;
}

static void cuts_strings_to_valid_utf8(void **state)
{
	struct arena a;
	arena_init(&a, 1 << 20, NULL);
	char s[1200];
	const struct str all = { s, sizeof(s) };
	static const struct {
		struct str in, out;
	} cases[] = {
		{ STR_INIT("ab\xff\x63"), STR_INIT("ab") },
		{ STR_INIT("\xff"), STR_INIT("") },
		{ STR_INIT("a\xe2\x82"), STR_INIT("a") },
		{ STR_INIT("a\xe2\x82\xac"), STR_INIT("a\xe2\x82\xac") },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		log_info("x", LOG_STR("s", cases[i].in));
		assert_member(logged_line(&a), "s", cases[i].out);
	}

	memset(s, 'a', sizeof(s));
	log_info("x", LOG_STR("s", str_head(all, 1000)));
	assert_member(logged_line(&a), "s", str_head(all, 1000));
	log_info("x", LOG_STR("s", str_head(all, 1001)));
	assert_member(logged_line(&a), "s", str_head(all, 1000));
	memcpy(s + 998, "\xe2\x82\xac", 3); /* would end behind the limit */
	log_info("x", LOG_STR("s", all));
	assert_member(logged_line(&a), "s", str_head(all, 998));
	arena_fini(&a);
	(void)state;
}

static void a_line_too_long_loses_its_last_fields_and_says_so(void **state)
{
	struct arena a;
	arena_init(&a, 1 << 20, NULL);
	static char control[1000]; /* six bytes for each when escaped */
	struct str s = { control, sizeof(control) };
	log_info("long", LOG_STR("one", s), LOG_I("two", 2), LOG_STR("three", s), LOG_I("four", 4));
	yyjson_val *line = logged_line(&a);
	assert_member(line, "one", s);
	assert_member(line, "two", STR("2"));
	assert_null(json_get(line, STR("three")));
	assert_null(json_get(line, STR("four")));
	assert_true(yyjson_is_true(json_get(line, STR("cut"))));

	/* Full to the last byte that fields may have, the end is still there. */
	static struct log_field many[2000];
	for (size_t i = 0; i + 1 < ARRAY_LEN(many); i++)
		many[i] = LOG_I("f", 1);
	log_line(LOG_INFO, "many", many);
	assert_true(yyjson_is_true(json_get(logged_line(&a), STR("cut"))));

	log_info("short", LOG_STR("one", s));
	assert_null(json_get(logged_line(&a), STR("cut")));
	arena_fini(&a);
	(void)state;
}

static void nothing_happens_when_it_cannot_be_written(void **state)
{
	int broken = open("/dev/full", O_WRONLY);
	assert_true(broken >= 0);
	dup2(broken, STDERR_FILENO);
	close(broken);
	errno = EXDEV;
	log_info("lost");
	assert_int_equal(errno, EXDEV);
	(void)state;
}

static void knows_the_names_of_levels(void **state)
{
	static const struct {
		const char *name;
		int level;
	} cases[] = {
		{ "debug", LOG_DEBUG }, { "info", LOG_INFO }, { "warning", LOG_WARNING },
		{ "error", LOG_ERROR }, { "", -1 },           { "INFO", -1 },
		{ "warn", -1 },         { "errors", -1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum log_level level = LOG_DEBUG;
		bool ok = log_level_parse(str_of(cases[i].name), &level);
		assert_int_equal(ok, cases[i].level >= 0);
		if (ok)
			assert_int_equal(level, cases[i].level);
	}
	(void)state;
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, begin_capture, end_capture)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(writes_one_object_per_line),
		CASE(drops_what_is_below_the_level),
		CASE(cuts_strings_to_valid_utf8),
		CASE(a_line_too_long_loses_its_last_fields_and_says_so),
		CASE(nothing_happens_when_it_cannot_be_written),
		cmocka_unit_test(knows_the_names_of_levels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
