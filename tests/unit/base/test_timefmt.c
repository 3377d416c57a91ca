#include "base/timefmt.h"

#include <stdio.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define Z    TIME_ZONE_OPTIONAL
#define D    TIME_DATE_ALONE
#define SP   TIME_SPACE
#define NS   TIME_NO_SECONDS
#define ISO  TIME_ISO_ZONE
#define ALL  (Z | D | SP | NS)
#define BASE 1795255200000000 /* 2026-11-21T10:00:00Z */

static void reads_instants(void **state)
{
	static const struct {
		const char *text;
		unsigned forms;
		instant_us t;
	} cases[] = {
		{ "2026-11-21T10:00:00Z", 0, BASE },
		{ "2026-11-21t10:00:00z", 0, BASE },
		{ "2026-11-21T10:00:00+00:00", 0, BASE },
		{ "2026-11-21T10:00:00-00:00", 0, BASE },
		{ "2026-11-21T12:30:00+02:30", 0, BASE },
		{ "2026-11-20T10:01:00-23:59", 0, BASE },
		{ "2026-11-22T09:59:00+23:59", 0, BASE },
		{ "2026-11-21T10:00:00.5Z", 0, BASE + 500000 },
		{ "2026-11-21T10:00:00.123Z", 0, BASE + 123000 },
		{ "2026-11-21T10:00:00.000001Z", 0, BASE + 1 },
		{ "2026-11-21T10:00:00.1234567Z", 0, BASE + 123456 },
		{ "2026-11-21T10:00:00.999999999+00:00", 0, BASE + 999999 },
		{ "1970-01-01T00:00:00Z", 0, 0 },
		{ "1969-12-31T23:59:59.999999Z", 0, -1 },
		{ "2000-02-29T00:00:00Z", 0, 951782400000000 },
		{ "1900-02-28T23:59:59Z", 0, -2203891201000000 },
		{ "0001-01-01T00:00:00Z", 0, -62135596800000000 },
		{ "9999-12-31T23:59:59.999999Z", 0, 253402300799999999 },
		{ "2016-12-31T23:59:60Z", 0, 1483228799999999 },
		{ "2016-12-31T23:59:60.25Z", 0, 1483228799999999 },
		{ "2017-01-01T00:59:60+01:00", 0, 1483228799999999 },
		{ "1969-12-31T23:59:60Z", 0, -1 },
		{ "2026-11-21T10:00:00", Z, BASE },
		{ "2026-11-21T10:00:00.250", Z, BASE + 250000 },
		{ "2026-11-21T10:00:00Z", ALL, BASE },
		{ "2026-11-21 10:00:00Z", SP, BASE },
		{ "2026-11-21", D, BASE - 36000 * US_PER_S },
		{ "2026-11-21T10:00Z", NS, BASE },
		{ "2026-11-21T10:00+00:00", NS, BASE },
		{ "2026-11-21T13:00:00+0300", ISO, BASE },
		{ "2026-11-21T13:00:00+03", ISO, BASE },
		{ "2026-11-21T13:00:00+03:00", ISO, BASE },
		{ "2026-11-21 10:00", ALL, BASE },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		instant_us t = 4711;
		if (!time_parse(str_of(cases[i].text), cases[i].forms, &t))
			fail_msg("refused: %s", cases[i].text);
		assert_int_equal(t, cases[i].t);
		assert_true(time_parse(str_of(cases[i].text), cases[i].forms, NULL));
	}
	(void)state;
}

static void refuses_what_is_no_instant(void **state)
{
	static const struct {
		struct str text;
		unsigned forms;
	} cases[] = {
		{ { NULL, 0 }, ALL },
		{ STR_INIT("T10:00:00Z"), ALL },
		/* forms that were not asked for */
		{ STR_INIT("2026-11-21T10:00:00"), D | SP | NS },
		{ STR_INIT("2026-11-21T13:00:00+0300"), ALL },
		{ STR_INIT("2026-11-21T13:00:00+03"), ALL },
		{ STR_INIT("2026-11-21T13:00:00+3"), ISO },
		{ STR_INIT("2026-11-21T13:00:00+030"), ISO },
		{ STR_INIT("2026-11-21T13:00:00+03000"), ISO },
		{ STR_INIT("2026-11-21T13:00:00+03:"), ISO },
		{ STR_INIT("2026-11-21T13:00:00+0360"), ISO },
		{ STR_INIT("2026-11-21"), Z | SP | NS },
		{ STR_INIT("2026-11-21 10:00:00Z"), Z | D | NS },
		{ STR_INIT("2026-11-21T10:00Z"), Z | D | SP },
		/* days and times that do not exist */
		{ STR_INIT("2026-02-29T00:00:00Z"), ALL },
		{ STR_INIT("1900-02-29T00:00:00Z"), ALL },
		{ STR_INIT("2026-04-31T00:00:00Z"), ALL },
		{ STR_INIT("2026-00-10T00:00:00Z"), ALL },
		{ STR_INIT("2026-13-10T00:00:00Z"), ALL },
		{ STR_INIT("2026-01-00T00:00:00Z"), ALL },
		{ STR_INIT("2026-01-32T00:00:00Z"), ALL },
		{ STR_INIT("2026-11-21T24:00:00Z"), ALL },
		{ STR_INIT("2026-11-21T10:60:00Z"), ALL },
		{ STR_INIT("2026-11-21T10:00:61Z"), ALL },
		{ STR_INIT("2026-11-21T10:00:60Z"), ALL },
		{ STR_INIT("2026-11-21T23:59:60+01:00"), ALL },
		{ STR_INIT("2026-11-21T10:00:00+24:00"), ALL },
		{ STR_INIT("2026-11-21T10:00:00+01:60"), ALL },
		/* years that we do not know, also after the zone is taken off */
		{ STR_INIT("0000-01-01T00:00:00Z"), ALL },
		{ STR_INIT("0001-01-01T00:00:00+00:01"), ALL },
		{ STR_INIT("9999-12-31T23:59:00-00:01"), ALL },
		{ STR_INIT("10000-01-01T00:00:00Z"), ALL },
		{ STR_INIT("-2026-11-21T10:00:00Z"), ALL },
		{ STR_INIT("+2026-11-21T10:00:00Z"), ALL },
		/* misshapen */
		{ STR_INIT("2026-11-21T10:00:00.Z"), ALL },
		{ STR_INIT("2026-11-21T10:00:00."), ALL },
		{ STR_INIT("2026-11-21T10:00:00.1234567890Z"), ALL },
		{ STR_INIT("2026-11-21T10:00:00,5Z"), ALL },
		{ STR_INIT("2026-11-21T10:00.5Z"), ALL },
		{ STR_INIT("2026-11-21T10Z"), ALL },
		{ STR_INIT("2026-11-21T"), ALL },
		{ STR_INIT("2026-11-21T10:00:"), ALL },
		{ STR_INIT("2026-11-21Z"), ALL },
		{ STR_INIT("2026-11-21  10:00:00Z"), ALL },
		{ STR_INIT("2026-11-21_10:00:00Z"), ALL },
		{ STR_INIT("2026-11-21T10:00:00 Z"), ALL },
		{ STR_INIT("2026-11-21T10:00:00Z "), ALL },
		{ STR_INIT(" 2026-11-21T10:00:00Z"), ALL },
		{ STR_INIT("2026-11-21T10:00:00Z\0"), ALL },
		{ STR_INIT("2026-11-21T10:00:00ZZ"), ALL },
		{ STR_INIT("2026-11-21T10:00:00+01"), ALL },
		{ STR_INIT("2026-11-21T10:00:00+0100"), ALL },
		{ STR_INIT("2026-11-21T10:00:00+1:00"), ALL },
		{ STR_INIT("2026-11-21T10:00:00\xe2\x88\x92"
			   "01:00"),
		  ALL },
		{ STR_INIT("2026-1-21T10:00:00Z"), ALL },
		{ STR_INIT("2026/11/21T10:00:00Z"), ALL },
		{ STR_INIT("20261121T100000Z"), ALL },
		{ STR_INIT("2026-11-21T1:00:00Z"), ALL },
		{ STR_INIT("2026-11-21T-1:00:00Z"), ALL },
		{ STR_INIT("2026-W47-6T10:00:00Z"), ALL },
		{ STR_INIT("1795255200"), ALL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		instant_us t = 4711;
		if (time_parse(cases[i].text, cases[i].forms, &t))
			fail_msg("taken: " STR_FMT, STR_ARG(cases[i].text));
		assert_int_equal(t, 4711);
	}
	(void)state;
}

static void knows_dates(void **state)
{
	static const struct {
		struct str text;
		bool ok;
	} cases[] = {
		{ STR_INIT("2026-11-21"), true },
		{ STR_INIT("2024-02-29"), true },
		{ STR_INIT("2000-02-29"), true },
		{ STR_INIT("0001-01-01"), true },
		{ STR_INIT("9999-12-31"), true },
		{ STR_INIT("2100-02-29"), false },
		{ STR_INIT("2026-02-29"), false },
		{ STR_INIT("2026-06-31"), false },
		{ STR_INIT("0000-01-01"), false },
		{ STR_INIT("2026-11-21Z"), false },
		{ STR_INIT("2026-11-21T00:00:00Z"), false },
		{ STR_INIT("2026-11-2"), false },
		{ STR_INIT("2026-11-21 "), false },
		{ STR_INIT("21-11-2026"), false },
		{ STR_INIT("2026-11-2a"), false },
		{ { NULL, 0 }, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(time_is_date(cases[i].text), cases[i].ok);
	(void)state;
}

static void writes_instants(void **state)
{
	static const struct {
		instant_us t;
		int digits;
		const char *text;
	} cases[] = {
		{ BASE, 0, "2026-11-21T10:00:00Z" },
		{ BASE + 123456, 3, "2026-11-21T10:00:00.123Z" },
		{ BASE + 123456, 6, "2026-11-21T10:00:00.123456Z" },
		{ BASE + 123456, 7, "2026-11-21T10:00:00.1234560Z" },
		{ BASE + 999999, 1, "2026-11-21T10:00:00.9Z" },
		{ BASE + 1, 6, "2026-11-21T10:00:00.000001Z" },
		{ 0, 3, "1970-01-01T00:00:00.000Z" },
		{ -1, 6, "1969-12-31T23:59:59.999999Z" },
		{ -2203891201000000, 0, "1900-02-28T23:59:59Z" },
		{ -62135596800000000, 0, "0001-01-01T00:00:00Z" },
		{ 253402300799999999, 6, "9999-12-31T23:59:59.999999Z" },
		{ INT64_MIN, 0, "0001-01-01T00:00:00Z" },
		{ INT64_MAX, 0, "9999-12-31T23:59:59Z" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[40] = "";
		struct buf b = buf_over(text, sizeof(text) - 1);
		time_put(&b, cases[i].t, cases[i].digits);
		assert_false(b.failed);
		assert_string_equal(text, cases[i].text);
	}
	(void)state;
}

/* The C library as the second opinion: each day of the 400 years after which the calendar repeats,
 * and every 13th of the years 0001..9999. */
static void agrees_with_the_c_library(void **state)
{
	for (int64_t day = -719162; day <= 2932896; day += day >= -146097 && day < 0 ? 1 : 13) {
		time_t s = day * 86400 + (day & 0xFFFF);
		struct tm tm;
		char ours[30] = "", theirs[64], http[30];
		instant_us back;
		gmtime_r(&s, &tm);
		struct buf b = buf_over(ours, sizeof(ours));
		time_put(&b, s * US_PER_S, 0);

		snprintf(theirs, sizeof(theirs), "%04d-%02d-%02dT%02d:%02d:%02dZ",
			 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			 tm.tm_sec);
		if (strcmp(ours, theirs) != 0)
			fail_msg("%s is not %s", ours, theirs);
		if (!time_parse(str_of(ours), TIME_STRICT, &back) || back != s * US_PER_S)
			fail_msg("%s is not read as it was written", ours);

		if (day % 97 != 0)
			continue;
		time_http_date(s * US_PER_S, http);
		strftime(theirs, sizeof(theirs), "%a, %d %b ", &tm);
		assert_memory_equal(http, theirs, 12);
		snprintf(theirs, sizeof(theirs), "%04d %02d:%02d:%02d GMT", tm.tm_year + 1900,
			 tm.tm_hour, tm.tm_min, tm.tm_sec);
		assert_string_equal(http + 12, theirs);
	}
	(void)state;
}

static void writes_http_dates(void **state)
{
	char out[30];
	time_http_date(784111777 * US_PER_S, out);
	assert_string_equal(out, "Sun, 06 Nov 1994 08:49:37 GMT");
	time_http_date(-1, out);
	assert_string_equal(out, "Wed, 31 Dec 1969 23:59:59 GMT");
	(void)state;
}

static void clocks_go_forward(void **state)
{
	instant_us before = (instant_us)time(NULL) * US_PER_S;
	instant_us now = time_now();
	assert_true(now >= before - US_PER_S);
	assert_true(now <= ((instant_us)time(NULL) + 2) * US_PER_S);
	int64_t a = time_monotonic_ms(), b = time_monotonic_ms();
	assert_true(a > 0 && b >= a);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_instants),
		cmocka_unit_test(refuses_what_is_no_instant),
		cmocka_unit_test(knows_dates),
		cmocka_unit_test(writes_instants),
		cmocka_unit_test(agrees_with_the_c_library),
		cmocka_unit_test(writes_http_dates),
		cmocka_unit_test(clocks_go_forward),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
