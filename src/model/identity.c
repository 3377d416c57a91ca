#include "model/identity.h"

#include "base/uuid.h"

static const char *const kind_names[] = {
	[IDENTITY_EXTERNAL_ID] = "external_id",
	[IDENTITY_EMAIL] = "email",
	[IDENTITY_PHONE] = "phone",
	[IDENTITY_ANONYMOUS_ID] = "anonymous_id",
	[IDENTITY_LINE] = "line",
	[IDENTITY_FACEBOOK] = "facebook",
	[IDENTITY_TELEGRAM] = "telegram",
	[IDENTITY_PUSH] = "push",
	[IDENTITY_WEB_PUSH] = "web_push",
	[IDENTITY_LIVE_CHAT] = "live_chat",
	[IDENTITY_VIBER_BOTS] = "viber_bots",
	[IDENTITY_INSTAGRAM] = "instagram",
	[IDENTITY_INSTAGRAM_DM] = "instagram_dm",
	[IDENTITY_TWITTER] = "twitter",
	[IDENTITY_APPLE_BUSINESS_CHAT] = "apple_business_chat",
	[IDENTITY_KAKAO_SANGDAM] = "kakao_sangdam",
	[IDENTITY_GOOGLE_BUSINESS_MESSAGES] = "google_business_messages",
	[IDENTITY_WHATSAPP] = "whatsapp",
	[IDENTITY_ZALO_FOLLOWER] = "zalo_follower",
	[IDENTITY_TIKTOK_BM] = "tiktok_bm",
	[IDENTITY_OPEN_CHANNEL] = "open_channel",
	[IDENTITY_UUID] = "uuid",
	[IDENTITY_NUMBER] = "number",
	[IDENTITY_HEX] = "hex",
};

const char *identity_kind_name(enum identity_kind kind)
{
	return (size_t)kind < ARRAY_LEN(kind_names) ? kind_names[kind] : NULL;
}

bool identity_kind_parse(struct str name, enum identity_kind *out)
{
	for (size_t i = 0; i < ARRAY_LEN(kind_names); i++) {
		if (!kind_names[i] || !str_eq(str_of(kind_names[i]), name))
			continue;
		*out = (enum identity_kind)i;
		return true;
	}
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
	return is_upper(c) || (c >= 'a' && c <= 'z');
}

static struct str lower_key(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n);
	if (!p)
		return (struct str){ 0 };
	for (size_t i = 0; i < s.n; i++)
		p[i] = is_upper(s.p[i]) ? (char)(s.p[i] | 0x20) : s.p[i];
	return (struct str){ p, s.n };
}

static struct str lower_where_upper(struct arena *a, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (is_upper(s.p[i]))
			return lower_key(a, s);
	return s;
}

static struct str phone_key(struct arena *a, struct str value)
{
	char *p = arena_alloc(a, value.n);
	size_t n = 0;
	for (size_t i = 0; p && i < value.n; i++)
		if (is_digit(value.p[i]))
			p[n++] = value.p[i];
	return p ? (struct str){ p, n } : (struct str){ 0 };
}

static bool has_digits(struct str s)
{
	bool any = false;
	for (size_t i = 0; i < s.n && !any; i++)
		any = is_digit(s.p[i]);
	return any;
}

bool identity_has_key(enum identity_kind kind, struct str value)
{
	if (value.n == 0 || value.n > IDENTITY_VALUE_MAX)
		return false;
	if (kind == IDENTITY_EMAIL)
		return str_trim(value).n > 0;
	return kind != IDENTITY_PHONE || has_digits(value);
}

struct str identity_key(struct arena *a, enum identity_kind kind, struct str value)
{
	struct uuid uuid;
	if (!identity_has_key(kind, value))
		return (struct str){ 0 };
	if (kind == IDENTITY_EMAIL)
		return lower_where_upper(a, str_trim(value));
	if (kind == IDENTITY_PHONE)
		return phone_key(a, value);
	bool is_uuid = kind == IDENTITY_EXTERNAL_ID && uuid_parse(value, &uuid);
	return is_uuid ? lower_where_upper(a, value) : value;
}

struct str identity_e164(struct arena *a, struct str phone)
{
	if (!identity_has_key(IDENTITY_PHONE, phone))
		return phone;
	struct str digits = identity_key(a, IDENTITY_PHONE, phone);
	return digits.p ? arena_printf(a, "+" STR_FMT, STR_ARG(digits)) : digits;
}

/* RFC 5322 atext, with the dot, and with every byte beyond ASCII (RFC 6532). */
static bool is_local_char(char c)
{
	static const bool excluded[256] = {
		[0 ... ' '] = true, [0x7F] = true, ['('] = true, [')'] = true, ['<'] = true,
		['>'] = true,       ['['] = true,  [']'] = true, [':'] = true, [';'] = true,
		[','] = true,       ['\\'] = true, ['"'] = true, ['@'] = true,
	};
	return !excluded[(unsigned char)c];
}

static bool is_local(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_local_char(s.p[i]))
			return false;
	return s.n > 0;
}

static bool is_label(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!is_letter(c) && !is_digit(c) && c != '-' && (unsigned char)c < 0x80)
			return false;
	}
	return s.n > 0;
}

static bool is_dotted_domain(struct str s)
{
	size_t dot = str_find(s, '.');
	if (dot == s.n)
		return false;
	while (dot < s.n) {
		if (!is_label(str_head(s, dot)))
			return false;
		s = str_from(s, dot + 1);
		dot = str_find(s, '.');
	}
	return is_label(s);
}

bool email_is_valid(struct str s)
{
	enum { EMAIL_MAX = 320 }; /* bytes */
	size_t at = str_find(s, '@');
	return s.n <= EMAIL_MAX && at < s.n && is_local(str_head(s, at)) &&
	       is_dotted_domain(str_from(s, at + 1));
}
