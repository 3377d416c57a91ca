#include "base/str.h"

static unsigned char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : (unsigned char)c;
}

int str_cmp(struct str a, struct str b)
{
	size_t n = MIN(a.n, b.n);
	int r = n ? memcmp(a.p, b.p, n) : 0;
	if (r != 0)
		return r;
	return a.n < b.n ? -1 : a.n > b.n;
}

bool str_eq_nocase_same_size(struct str a, struct str b)
{
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

size_t str_find(struct str s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
	return at ? (size_t)(at - s.p) : s.n;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.n && is_blank(s.p[0]))
		s = str_from(s, 1);
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool str_is_blank(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ' ' && (s.p[i] < '\t' || s.p[i] > '\r'))
			return false;
	return true;
}

size_t str_code_points(struct str utf8)
{
	size_t n = 0;
	for (size_t i = 0; i < utf8.n; i++)
		n += ((unsigned char)utf8.p[i] & 0xC0) != 0x80;
	return n;
}

/* The code points that a lead byte begins: how long, and what the second byte may be. Surrogates,
 * overlong forms and what lies above U+10FFFF are all told apart by the second byte. */
static size_t utf8_length(unsigned char lead, unsigned char *low, unsigned char *high)
{
	*low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
	*high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
	if (lead < 0x80)
		return 1;
	if (lead < 0xC2 || lead > 0xF4)
		return 0;
	return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* How many bytes of s belong to the code point that it begins with, which has *n; 0: none begins. */
static size_t utf8_begin(struct str s, size_t *n)
{
	unsigned char low, high;
	*n = utf8_length((unsigned char)s.p[0], &low, &high);
	for (size_t i = 1; i < *n; i++, low = 0x80, high = 0xBF)
		if (i == s.n || (unsigned char)s.p[i] < low || (unsigned char)s.p[i] > high)
			return i;
	return *n;
}

/* The length of the code point that s begins with, or 0. */
static size_t utf8_first(struct str s)
{
	size_t n;
	return utf8_begin(s, &n) == n ? n : 0;
}

size_t str_utf8_prefix(struct str s)
{
	size_t at = 0;
	while (at < s.n) {
		size_t n = utf8_first(str_from(s, at));
		if (n == 0)
			break;
		at += n;
	}
	return at;
}

size_t str_utf8_mend(struct str s, char *out, size_t size)
{
	static const struct str unknown = STR_INIT("\xEF\xBF\xBD");
	size_t n = 0;
	for (size_t at = 0; at < s.n;) {
		struct str rest = str_from(s, at);
		size_t length, begun = utf8_begin(rest, &length);
		bool whole = begun > 0 && begun == length, cut_off = begun == rest.n && !whole;
		struct str put = whole ? str_head(rest, length) : unknown;
		if (cut_off || put.n > size - n)
			break;
		memcpy(out + n, put.p, put.n);
		n += put.n;
		at += whole ? length : 1;
	}
	return n;
}

bool str_to_u64(struct str s, uint64_t *out)
{
	uint64_t v = 0;
	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	*out = v;
	return true;
}
