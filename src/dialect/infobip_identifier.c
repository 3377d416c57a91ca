/* The types of identifiers that name a person, and what a value of them can be. */
#include "dialect/infobip_private.h"

const char infobip_identifier_types[] = "ID, EXTERNAL_ID, PHONE, EMAIL, a messaging channel's name";

static const struct {
	struct str name;
	enum identity_kind kind;
} types[] = {
	{ STR_INIT("ID"), IDENTITY_NUMBER },
	{ STR_INIT("EXTERNAL_ID"), IDENTITY_EXTERNAL_ID },
	{ STR_INIT("PHONE"), IDENTITY_PHONE },
	{ STR_INIT("EMAIL"), IDENTITY_EMAIL },
	{ STR_INIT("LINE"), IDENTITY_LINE },
	{ STR_INIT("FACEBOOK"), IDENTITY_FACEBOOK },
	{ STR_INIT("TELEGRAM"), IDENTITY_TELEGRAM },
	{ STR_INIT("PUSH"), IDENTITY_PUSH },
	{ STR_INIT("WEB_PUSH"), IDENTITY_WEB_PUSH },
	{ STR_INIT("LIVE_CHAT"), IDENTITY_LIVE_CHAT },
	{ STR_INIT("VIBER_BOTS"), IDENTITY_VIBER_BOTS },
	{ STR_INIT("INSTAGRAM"), IDENTITY_INSTAGRAM },
	{ STR_INIT("INSTAGRAM_DM"), IDENTITY_INSTAGRAM_DM },
	{ STR_INIT("TWITTER"), IDENTITY_TWITTER },
	{ STR_INIT("APPLE_BUSINESS_CHAT"), IDENTITY_APPLE_BUSINESS_CHAT },
	{ STR_INIT("KAKAO_SANGDAM"), IDENTITY_KAKAO_SANGDAM },
	{ STR_INIT("GOOGLE_BUSINESS_MESSAGES"), IDENTITY_GOOGLE_BUSINESS_MESSAGES },
	{ STR_INIT("WHATSAPP"), IDENTITY_WHATSAPP },
	{ STR_INIT("ZALO_FOLLOWER"), IDENTITY_ZALO_FOLLOWER },
	{ STR_INIT("TIKTOK_BM"), IDENTITY_TIKTOK_BM },
	{ STR_INIT("OPEN_CHANNEL"), IDENTITY_OPEN_CHANNEL },
};

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
