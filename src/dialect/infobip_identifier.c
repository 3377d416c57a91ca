/* The types of identifiers that name a person, and what a value of them can be. */
#include "dialect/infobip_private.h"

/* All but ID, of which the kind has another name. */
#define TYPES(X)                    \
	X(EXTERNAL_ID)              \
	X(PHONE)                    \
	X(EMAIL)                    \
	X(LINE)                     \
	X(FACEBOOK)                 \
	X(TELEGRAM)                 \
	X(PUSH)                     \
	X(WEB_PUSH)                 \
	X(LIVE_CHAT)                \
	X(VIBER_BOTS)               \
	X(INSTAGRAM)                \
	X(INSTAGRAM_DM)             \
	X(TWITTER)                  \
	X(APPLE_BUSINESS_CHAT)      \
	X(KAKAO_SANGDAM)            \
	X(GOOGLE_BUSINESS_MESSAGES) \
	X(WHATSAPP)                 \
	X(ZALO_FOLLOWER)            \
	X(TIKTOK_BM)                \
	X(OPEN_CHANNEL)

#define LISTED(name) ", " #name
const char infobip_identifier_types[] = "ID" TYPES(LISTED);

#define KIND(name) { STR_INIT(#name), IDENTITY_##name },
static const struct {
	struct str name;
	enum identity_kind kind;
} types[] = { { STR_INIT("ID"), IDENTITY_NUMBER }, TYPES(KIND) };

bool infobip_identifier_type(struct str name, enum identity_kind *out)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!str_eq_nocase(types[i].name, name))
			continue;
		*out = types[i].kind;
		return true;
	}
	return false;
}

/* The ids of messaging channels are those of a sender. */
bool infobip_wants_sender(enum identity_kind kind)
{
	return kind >= IDENTITY_LINE && kind < IDENTITY_UUID;
}

static bool is_number(struct str s)
{
	uint64_t number;
	return s.n <= 20 && str_to_u64(s, &number);
}

enum refusal infobip_identify(struct arena *a, enum identity_kind kind, struct str value,
			      struct who *out)
{
	*out = (struct who){ .kind = kind, .value = value };
	if (str_utf8_prefix(value) < value.n)
		return REFUSE_PROBLEMS;
	if (kind == IDENTITY_NUMBER)
		return is_number(value) ? REFUSE_NOTHING : REFUSE_PROBLEMS;
	if (!identity_has_key(kind, value))
		return REFUSE_PROBLEMS;
	out->key = identity_key(a, kind, value);
	return out->key.p ? REFUSE_NOTHING : REFUSE_OVERLOADED;
}

static bool form_phone(struct str s)
{
	unsigned digits = 0;
	for (size_t i = 0; i < s.n; i++) {
		bool digit = s.p[i] >= '0' && s.p[i] <= '9';
		digits += digit;
		if (!digit && !(s.p[i] == '+' && i == 0) && !memchr(" -().", s.p[i], 5))
			return false;
	}
	return digits > 0 && s.n <= INFOBIP_NUMBER_MAX;
}

bool infobip_may_have(enum identity_kind kind, struct str value)
{
	if (kind == IDENTITY_PHONE)
		return form_phone(value);
	if (kind == IDENTITY_EMAIL)
		return email_is_valid(value) && str_code_points(value) <= INFOBIP_ADDRESS_MAX;
	return kind == IDENTITY_EXTERNAL_ID && str_code_points(value) <= INFOBIP_EXTERNAL_ID_MAX;
}
