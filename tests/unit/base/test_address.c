#include "base/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static const char *const private[] = {
	"0.0.0.0",
	"0.255.255.255",
	"10.0.0.0",
	"10.255.255.255",
	"100.64.0.0",
	"100.127.255.255",
	"127.0.0.1",
	"127.255.255.255",
	"169.254.0.1",
	"169.254.169.254",
	"172.16.0.0",
	"172.31.255.255",
	"192.0.0.1",
	"192.0.2.1",
	"192.168.0.1",
	"192.168.255.255",
	"198.18.0.1",
	"198.19.255.255",
	"224.0.0.1",
	"239.255.255.255",
	"240.0.0.1",
	"255.255.255.255",
	"::",
	"::1",
	"fc00::1",
	"fdff:ffff::1",
	"fe80::1",
	"febf::1",
	"fec0::1",
	"ff02::1",
	"2001:db8::1",
	"100::1",
	"::ffff:10.0.0.1",
	"::ffff:127.0.0.1",
	"::10.0.0.1",
	"64:ff9b::a00:1",
	"64:ff9b:1::a00:1",
	"64:ff9b:1:a00:1::",
	"2001:2::1",
	"64:ff9b::7f00:1",
	"2002:a00:1::",
	"2002:7f00:1::1",
	"::ffff:0:10.0.0.1",
};

static const char *const public[] = {
	"1.1.1.1",          "9.255.255.255",   "11.0.0.0",       "100.63.255.255",
	"100.128.0.0",      "126.255.255.255", "128.0.0.1",      "169.253.255.255",
	"169.255.0.0",      "172.15.255.255",  "172.32.0.0",     "192.0.1.1",
	"192.167.255.255",  "192.169.0.0",     "198.17.255.255", "198.20.0.0",
	"223.255.255.255",  "2606:4700::1",    "2a00:1450::1",   "::ffff:1.1.1.1",
	"64:ff9b::101:101", "2002:101:101::1", "fbff::1",        "2001:db9::1",
	"64:ff9b:2::1",     "2001:3::1",
};

static bool socket_address_is_private(const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return address_is_private((const struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return address_is_private((const struct sockaddr *)&v6);
}

static void check(const char *const *texts, size_t n, bool expect)
{
	for (size_t i = 0; i < n; i++)
		if (address_text_is_private(texts[i]) != expect ||
		    socket_address_is_private(texts[i]) != expect)
			fail_msg("%s should be %s", texts[i], expect ? "private" : "public");
}

static void test_private(void **state)
{
	(void)state;
	check(private, ARRAY_LEN(private), true);
}

static void test_public(void **state)
{
	(void)state;
	check(public, ARRAY_LEN(public), false);
}

static void test_no_address(void **state)
{
	static const char *const texts[] = { "", "localhost", "1.1.1", "1.1.1.1:80",
					     "fe80::1%eth0" };
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_true(address_text_is_private(texts[i]));
	assert_true(address_is_private((const struct sockaddr *)&local));
}

static void test_hosts(void **state)
{
	static const struct {
		const char *host;
		bool private;
	} cases[] = {
		{ "127.0.0.1", true },  { "10.1.2.3", true },           { "169.254.169.254", true },
		{ "[::1]", true },      { "[::ffff:10.0.0.1]", true },  { "[fe80::1]", true },
		{ "8.8.8.8", false },   { "[2606:4700::1111]", false }, { "crm.example", false },
		{ "localhost", false }, { "127.0.0.1.example", false }, { "127.1", false },
		{ "::1", false },       { "[127.0.0.1]", false },       { "[]", false },
		{ "", false },
	};
	char long_one[300];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (address_host_is_private(str_of(cases[i].host)) != cases[i].private)
			fail_msg("%s", cases[i].host);
	memset(long_one, '1', sizeof(long_one));
	assert_false(address_host_is_private((struct str){ long_one, sizeof(long_one) }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_hosts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
