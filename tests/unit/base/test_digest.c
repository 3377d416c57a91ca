#include "base/digest.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <pthread.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_sha256(struct str in, const char *wanted)
{
	char hex[65] = "";
	struct sha256 d = sha256_of(in);
	hex_put(d.b, sizeof(d.b), hex);
	assert_string_equal(hex, wanted);
}

/* FIPS 180-4, the examples of NIST. */
static void digests_known_texts(void **state)
{
	for (int again = 0; again < 3; again++) {
		assert_sha256((struct str){ NULL, 0 }, "e3b0c44298fc1c149afbf4c8996fb924"
						       "27ae41e4649b934ca495991b7852b855");
		assert_sha256(STR("abc"), "ba7816bf8f01cfea414140de5dae2223"
					  "b00361a396177a9cb410ff61f20015ad");
		assert_sha256(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
			      "248d6a61d20638b8e5c026930c3e6039"
			      "a33ce45964ff2167f6ecedd419db06c1");
	}
	(void)state;
}

/* RFC 4231, test cases 1, 2 and 6. */
static void authenticates_known_texts(void **state)
{
	static char long_key[131];
	memset(long_key, 0xaa, sizeof(long_key));
	const struct {
		struct str key, text;
		const char *wanted;
	} cases[] = {
		{ STR_INIT("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
			   "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"),
		  STR_INIT("Hi There"),
		  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ STR_INIT("Jefe"), STR_INIT("what do ya want for nothing?"),
		  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ { long_key, sizeof(long_key) },
		  STR_INIT("Test Using Larger Than Block-Size Key - Hash Key First"),
		  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char hex[65] = "";
		struct sha256 d = hmac_sha256(cases[i].key, cases[i].text);
		hex_put(d.b, sizeof(d.b), hex);
		assert_string_equal(hex, cases[i].wanted);
	}
	(void)state;
}

static void *digest_elsewhere(void *unused)
{
	digests_known_texts(NULL);
	return unused;
}

static void digests_in_many_threads(void **state)
{
	pthread_t threads[8];
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, digest_elsewhere, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	(void)state;
}

static void compares_digests_to_the_last_byte(void **state)
{
	struct sha256 a = sha256_of(STR("a")), b = a;
	assert_true(sha256_eq(&a, &b));
	for (size_t i = 0; i < sizeof(b.b); i++) {
		b.b[i] ^= 1;
		assert_false(sha256_eq(&a, &b));
		b.b[i] ^= 1;
	}
	(void)state;
}

/* Key 00 01 .. 0f, as in appendix A of the SipHash paper. */
static const struct hash_key paper_key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

/* `size`: 8 or 16 bytes. */
static struct hash128 openssl_siphash(size_t size, const unsigned char *key,
				      const unsigned char *in, size_t n)
{
	size_t got = 0;
	unsigned char out[16] = { 0 };
	struct hash128 v = { 0 };
	OSSL_PARAM params[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
				OSSL_PARAM_construct_end() };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	assert_int_equal(EVP_MAC_init(ctx, key, 16, params), 1);
	assert_int_equal(EVP_MAC_update(ctx, in, n), 1);
	assert_int_equal(EVP_MAC_final(ctx, out, &got, sizeof(out)), 1);
	assert_int_equal(got, size);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	for (size_t i = 8; i-- > 0;) {
		v.a = v.a << 8 | out[i];
		v.b = v.b << 8 | out[i + 8];
	}
	return v;
}

static void siphash_agrees_with_the_paper_and_openssl(void **state)
{
	unsigned char bytes[64];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;

	struct str fifteen = { (const char *)bytes, 15 };
	assert_true(hash64_keyed(paper_key, fifteen) == 0xa129ca6149be45e5);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		struct str s = { (const char *)bytes, n };
		struct hash128 ours = hash128_keyed(paper_key, s);
		struct hash128 theirs = openssl_siphash(16, bytes, bytes, n);
		assert_true(hash64_keyed(paper_key, s) == openssl_siphash(8, bytes, bytes, n).a);
		assert_true(ours.a == theirs.a && ours.b == theirs.b);
	}
	(void)state;
}

static void hashes_depend_on_text_and_seed(void **state)
{
	assert_true(hash64(STR("a")) == hash64(STR("a")));
	assert_true(hash64(STR("a")) != hash64(STR("b")));
	assert_true(hash64(STR("a")) != hash64(STR("a\0")));
	assert_true(hash64((struct str){ NULL, 0 }) == hash64(STR("")));
	assert_true(hash64_seeded(STR("a"), 1) == hash64_seeded(STR("a"), 1));
	assert_true(hash64_seeded(STR("a"), 1) != hash64_seeded(STR("a"), 2));
	assert_true(hash64(STR("a")) != hash64_keyed((struct hash_key){ 0 }, STR("a")));
	(void)state;
}

static uint64_t hash_of_texts(struct str a, struct str b)
{
	struct siphash sip = siphash_begin();
	siphash_text(&sip, a);
	siphash_text(&sip, b);
	return siphash_end(&sip);
}

static uint64_t hash_of_numbers(uint64_t a, uint64_t b)
{
	struct siphash sip = siphash_begin();
	siphash_number(&sip, a);
	siphash_number(&sip, b);
	return siphash_end(&sip);
}

static void hashes_of_parts_depend_on_where_they_end(void **state)
{
	static const struct {
		struct str a, b;
	} differ[] = {
		{ STR_INIT(""), STR_INIT("") },          { STR_INIT("a"), STR_INIT("") },
		{ STR_INIT(""), STR_INIT("a") },         { STR_INIT("a"), STR_INIT("b") },
		{ STR_INIT("b"), STR_INIT("a") },        { STR_INIT("ab"), STR_INIT("") },
		{ STR_INIT(""), STR_INIT("ab") },        { STR_INIT("a\0"), STR_INIT("b") },
		{ STR_INIT("a"), STR_INIT("\0b") },      { STR_INIT("01234567"), STR_INIT("8") },
		{ STR_INIT("0123456"), STR_INIT("78") }, { STR_INIT("012345678"), STR_INIT("") },
		{ STR_INIT("01234567"), STR_INIT("") },  { STR_INIT("01234567\0"), STR_INIT("") },
	};
	for (size_t i = 0; i < ARRAY_LEN(differ); i++)
		for (size_t k = 0; k < ARRAY_LEN(differ); k++)
			assert_int_equal(hash_of_texts(differ[i].a, differ[i].b) ==
						 hash_of_texts(differ[k].a, differ[k].b),
					 i == k);
	assert_true(hash_of_numbers(1, 2) == hash_of_numbers(1, 2));
	assert_true(hash_of_numbers(1, 2) != hash_of_numbers(2, 1));
	assert_true(hash_of_numbers(0, 0) != hash_of_numbers(0, 1));
	(void)state;
}

static void reads_and_writes_hex(void **state)
{
	static const struct {
		struct str in;
		size_t n;
		bool ok;
	} cases[] = {
		{ STR_INIT("00fF7f80"), 4, true },  { { NULL, 0 }, 0, true },
		{ STR_INIT("00fF7f8"), 4, false },  { STR_INIT("00fF7f800"), 4, false },
		{ STR_INIT("00fF7f80"), 3, false }, { STR_INIT("00fF7f8g"), 4, false },
		{ STR_INIT("0x"), 1, false },       { STR_INIT("@0"), 1, false },
		{ STR_INIT("`0"), 1, false },       { STR_INIT("G0"), 1, false },
		{ STR_INIT(":0"), 1, false },       { STR_INIT("/0"), 1, false },
		{ STR_INIT("0\0"), 1, false },      { STR_INIT("\x90\x90"), 1, false },
		{ STR_INIT(" 1"), 1, false },       { STR_INIT("\x11\x11"), 1, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t out[8];
		assert_int_equal(hex_parse(cases[i].in, out, cases[i].n), cases[i].ok);
	}

	uint8_t all[256], back[256];
	char text[512];
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	hex_put(all, sizeof(all), text);
	assert_memory_equal(text, "000102", 6);
	assert_memory_equal(text + 506, "fdfeff", 6);
	assert_true(hex_parse((struct str){ text, sizeof(text) }, back, sizeof(back)));
	assert_memory_equal(all, back, sizeof(all));
	(void)state;
}

/* RFC 4648 section 10. */
static const struct {
	struct str bytes, padded, url;
} base64_cases[] = {
	{ STR_INIT(""), STR_INIT(""), STR_INIT("") },
	{ STR_INIT("f"), STR_INIT("Zg=="), STR_INIT("Zg") },
	{ STR_INIT("fo"), STR_INIT("Zm8="), STR_INIT("Zm8") },
	{ STR_INIT("foo"), STR_INIT("Zm9v"), STR_INIT("Zm9v") },
	{ STR_INIT("foob"), STR_INIT("Zm9vYg=="), STR_INIT("Zm9vYg") },
	{ STR_INIT("fooba"), STR_INIT("Zm9vYmE="), STR_INIT("Zm9vYmE") },
	{ STR_INIT("foobar"), STR_INIT("Zm9vYmFy"), STR_INIT("Zm9vYmFy") },
	{ STR_INIT("\xfb\xff\xfe\0"), STR_INIT("+//+AA=="), STR_INIT("-__-AA") },
	{ STR_INIT("user:pass"), STR_INIT("dXNlcjpwYXNz"), STR_INIT("dXNlcjpwYXNz") },
};

static void reads_and_writes_base64(void **state)
{
	struct arena a;
	arena_init(&a, 1 << 16, NULL);
	for (size_t i = 0; i < ARRAY_LEN(base64_cases); i++) {
		struct str bytes = base64_cases[i].bytes;
		struct str read = base64_parse(&a, base64_cases[i].padded);
		assert_non_null(read.p);
		assert_true(str_eq(read, bytes));

		char out[32];
		size_t n = base64url_put((const uint8_t *)bytes.p, bytes.n, out);
		assert_true(n <= (4 * bytes.n + 2) / 3);
		assert_true(str_eq((struct str){ out, n }, base64_cases[i].url));
		n = base64_put((const uint8_t *)bytes.p, bytes.n, out);
		assert_int_equal(n, BASE64_ROOM(bytes.n));
		assert_true(str_eq((struct str){ out, n }, base64_cases[i].padded));
	}
	arena_fini(&a);
	(void)state;
}

static void refuses_what_is_not_base64(void **state)
{
	static const struct str refused[] = {
		STR_INIT("Z"),    STR_INIT("Zg"),       STR_INIT("Zg="),          STR_INIT("Zg==="),
		STR_INIT("Zm8"),  STR_INIT("Z==="),     STR_INIT("A==="),         STR_INIT("===="),
		STR_INIT("=Zg="), STR_INIT("Zg==Zg=="), STR_INIT("Zh=="),         STR_INIT("Zm9="),
		STR_INIT("Zm 9"), STR_INIT(" Zm9"),     STR_INIT("Zm9v\n\n\n\n"), STR_INIT("Zm9\0"),
		STR_INIT("-__-"), STR_INIT("Zm9\xc3"),
	};
	struct arena a;
	arena_init(&a, 1 << 16, NULL);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_null(base64_parse(&a, refused[i]).p);
	arena_fini(&a);

	arena_init(&a, 0, NULL);
	assert_null(base64_parse(&a, STR("Zm9v")).p);
	arena_fini(&a);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_known_texts),
		cmocka_unit_test(digests_in_many_threads),
		cmocka_unit_test(authenticates_known_texts),
		cmocka_unit_test(compares_digests_to_the_last_byte),
		cmocka_unit_test(siphash_agrees_with_the_paper_and_openssl),
		cmocka_unit_test(hashes_depend_on_text_and_seed),
		cmocka_unit_test(hashes_of_parts_depend_on_where_they_end),
		cmocka_unit_test(reads_and_writes_hex),
		cmocka_unit_test(reads_and_writes_base64),
		cmocka_unit_test(refuses_what_is_not_base64),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
