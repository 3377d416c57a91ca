/* Identities: names of kinds, the keys that are compared, what passes for an e-mail address. */
#include "model/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_kinds_go_there_and_back(void **state)
{
	(void)state;
	unsigned found = 0;
	for (int i = -1; i < 200; i++) {
		const char *name = identity_kind_name((enum identity_kind)i);
		enum identity_kind kind = 0;
		if (!name)
			continue;
		found++;
		assert_true(identity_kind_parse(str_of(name), &kind));
		assert_int_equal(kind, i);
	}
	assert_int_equal(found, 4 + 17 + 3);
}

static void test_kind_names_are_stored_and_stay(void **state)
{
	(void)state;
	assert_string_equal(identity_kind_name(1), "external_id");
	assert_string_equal(identity_kind_name(4), "anonymous_id");
	assert_string_equal(identity_kind_name(10), "line");
	assert_string_equal(identity_kind_name(26), "open_channel");
	assert_string_equal(identity_kind_name(102), "hex");
	assert_null(identity_kind_name(0));
	assert_null(identity_kind_name(5));
	assert_null(identity_kind_name(27));
	assert_null(identity_kind_name(103));
}

static void test_kind_names_that_are_none(void **state)
{
	(void)state;
	static const struct str names[] = { STR_INIT(""), STR_INIT("Email"), STR_INIT("email "),
					    STR_INIT("emai"), STR_INIT("email\0") };
	enum identity_kind kind = IDENTITY_HEX;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_false(identity_kind_parse(names[i], &kind));
	assert_int_equal(kind, IDENTITY_HEX);
}

static const struct {
	enum identity_kind kind;
	struct str value;
	const char *key; /* NULL: none */
} keys[] = {
	{ IDENTITY_EMAIL, STR_INIT("Jane.Doe@Example.COM"), "jane.doe@example.com" },
	{ IDENTITY_EMAIL, STR_INIT(" \tjane@example.com  "), "jane@example.com" },
	{ IDENTITY_EMAIL, STR_INIT("\xC3\x84rger@x.de"), "\xC3\x84rger@x.de" },
	{ IDENTITY_EMAIL, STR_INIT("[@`Z"), "[@`z" },
	{ IDENTITY_EMAIL, STR_INIT("  "), NULL },
	{ IDENTITY_EMAIL, STR_INIT(""), NULL },
	{ IDENTITY_PHONE, STR_INIT("+370 (612) 34-567"), "37061234567" },
	{ IDENTITY_PHONE, STR_INIT("37061234567"), "37061234567" },
	{ IDENTITY_PHONE, STR_INIT("0"), "0" },
	{ IDENTITY_PHONE, STR_INIT("+ () -"), NULL },
	{ IDENTITY_PHONE, STR_INIT("\xD9\xA1\xD9\xA2"), NULL }, /* digits, but not ASCII ones */
	{ IDENTITY_PHONE, STR_INIT(""), NULL },
	{ IDENTITY_EXTERNAL_ID, STR_INIT(" Ab-1 "), " Ab-1 " },
	{ IDENTITY_EXTERNAL_ID, STR_INIT("3F2504E0-4f89-41D3-9A0C-0305E82C3301"),
	  "3f2504e0-4f89-41d3-9a0c-0305e82c3301" },
	{ IDENTITY_EXTERNAL_ID, STR_INIT("3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
	  "3f2504e0-4f89-41d3-9a0c-0305e82c3301" },
	/* Almost one. */
	{ IDENTITY_EXTERNAL_ID, STR_INIT("3F2504E0-4F89-41D3-9A0C-0305E82C330G"),
	  "3F2504E0-4F89-41D3-9A0C-0305E82C330G" },
	{ IDENTITY_EXTERNAL_ID, STR_INIT("3F2504E04F8941D39A0C0305E82C3301"),
	  "3F2504E04F8941D39A0C0305E82C3301" },
	{ IDENTITY_EXTERNAL_ID, STR_INIT(" 3F2504E0-4F89-41D3-9A0C-0305E82C3301"),
	  " 3F2504E0-4F89-41D3-9A0C-0305E82C3301" },
	{ IDENTITY_ANONYMOUS_ID, STR_INIT("3F2504E0-4F89-41D3-9A0C-0305E82C3301"),
	  "3F2504E0-4F89-41D3-9A0C-0305E82C3301" },
	{ IDENTITY_EXTERNAL_ID, STR_INIT(""), NULL },
	{ IDENTITY_ANONYMOUS_ID, STR_INIT("X"), "X" },
	{ IDENTITY_WHATSAPP, STR_INIT("+1 2"), "+1 2" },
};

static void test_keys(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 64 * 1024, NULL);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct str key = identity_key(&a, keys[i].kind, keys[i].value);
		assert_int_equal(identity_has_key(keys[i].kind, keys[i].value),
				 keys[i].key != NULL);
		if (!keys[i].key) {
			assert_null(key.p);
			continue;
		}
		assert_int_equal(key.n, strlen(keys[i].key));
		assert_memory_equal(key.p, keys[i].key, key.n);
	}
	arena_fini(&a);
}

static void test_phones_as_e164(void **state)
{
	static const struct {
		const char *phone, *shown;
	} rows[] = {
		{ "41791112233", "+41791112233" },
		{ "+41 79 111-22-33", "+41791112233" },
		{ " 41791112233", "+41791112233" },
		{ "none", "none" },
		{ "", "" },
	};
	struct arena a, none;
	(void)state;
	arena_init(&a, 64 * 1024, NULL);
	arena_init(&none, 0, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str shown = identity_e164(&a, str_of(rows[i].phone));
		assert_true(str_eq(shown, str_of(rows[i].shown)));
	}
	assert_null(identity_e164(&none, STR("41")).p);
	arena_fini(&none);
	arena_fini(&a);
}

static void test_long_values_have_no_key(void **state)
{
	(void)state;
	static const enum identity_kind kinds[] = { IDENTITY_EMAIL, IDENTITY_PHONE,
						    IDENTITY_EXTERNAL_ID, IDENTITY_LINE };
	char text[IDENTITY_VALUE_MAX + 1];
	struct arena a;
	arena_init(&a, 64 * 1024, NULL);
	memset(text, '7', sizeof(text));
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct str longest = { text, IDENTITY_VALUE_MAX };
		struct str too_long = { text, IDENTITY_VALUE_MAX + 1 };
		assert_int_equal(identity_key(&a, kinds[i], longest).n, IDENTITY_VALUE_MAX);
		assert_null(identity_key(&a, kinds[i], too_long).p);
	}
	arena_fini(&a);
}

static void test_no_key_without_memory(void **state)
{
	(void)state;
	struct arena none;
	arena_init(&none, 0, NULL);
	assert_null(identity_key(&none, IDENTITY_EMAIL, STR("A@b.co")).p);
	assert_null(identity_key(&none, IDENTITY_PHONE, STR("123")).p);
	assert_non_null(identity_key(&none, IDENTITY_EMAIL, STR("a@b.co")).p);
	arena_fini(&none);
}

static const struct str addresses[] = {
	STR_INIT("a@b.co"),
	STR_INIT("john.doe+tag@mail.example.com"),
	STR_INIT("o'brien/x=1@example.com"),
	STR_INIT("a@xn--bcher-kva.example"),
	STR_INIT("\xC5\xBE@\xC5\xBEodis.lt"),
	STR_INIT("a@1.2"),
};

static const struct str no_addresses[] = {
	STR_INIT(""),
	STR_INIT("@"),
	STR_INIT("bad"),
	STR_INIT("not an address"),
	STR_INIT("@b.co"),
	STR_INIT("a@"),
	STR_INIT("a@b"),
	STR_INIT("a@.co"),
	STR_INIT("a@b."),
	STR_INIT("a@b..co"),
	STR_INIT("a@@b.co"),
	STR_INIT("a@b@c.co"),
	STR_INIT("a b@c.co"),
	STR_INIT("a@b .co"),
	STR_INIT(" a@b.co"),
	STR_INIT("a@b.co "),
	STR_INIT("a@b.co\n"),
	STR_INIT("a\0@b.co"),
	STR_INIT("a@b.c\0o"),
	STR_INIT("a\x7F@b.co"),
	STR_INIT("<a@b.co>"),
	STR_INIT("a@b.co>"),
	STR_INIT("a,b@c.co"),
	STR_INIT("http://a@b.co"),
	STR_INIT("a@[1.2.3.4]"),
};

static void test_email(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
		assert_true(email_is_valid(addresses[i]));
	for (size_t i = 0; i < ARRAY_LEN(no_addresses); i++)
		assert_false(email_is_valid(no_addresses[i]));
}

static void test_email_length(void **state)
{
	(void)state;
	char text[321];
	memset(text, 'a', sizeof(text));
	memcpy(text + 64, "@b.", 3);
	assert_true(email_is_valid((struct str){ text, 320 }));
	assert_false(email_is_valid((struct str){ text, 321 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_go_there_and_back),
		cmocka_unit_test(test_kind_names_are_stored_and_stay),
		cmocka_unit_test(test_kind_names_that_are_none),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_phones_as_e164),
		cmocka_unit_test(test_long_values_have_no_key),
		cmocka_unit_test(test_no_key_without_memory),
		cmocka_unit_test(test_email),
		cmocka_unit_test(test_email_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
