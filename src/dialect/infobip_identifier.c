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

bool infobip_identify(struct arena *a, enum identity_kind kind, struct str value, struct who *out)
{
	uint64_t number;
	*out = (struct who){ .kind = kind, .value = value };
	if (str_utf8_prefix(value) < value.n)
		return false;
	if (kind == IDENTITY_NUMBER)
		return value.n <= 20 && str_to_u64(value, &number);
	out->key = identity_key(a, kind, value);
	return out->key.p;
}

bool infobip_may_create(const struct who *w)
{
	size_t n = str_code_points(w->value);
	if (w->kind == IDENTITY_PHONE)
		return n <= INFOBIP_NUMBER_MAX;
	if (w->kind == IDENTITY_EXTERNAL_ID)
		return n <= INFOBIP_EXTERNAL_ID_MAX;
	return w->kind == IDENTITY_EMAIL && n <= INFOBIP_ADDRESS_MAX && email_is_valid(w->value);
}
