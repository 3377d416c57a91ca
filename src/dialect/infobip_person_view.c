/* A contact as Infobip shows a person. */
#include "dialect/infobip_private.h"

/* Attributes as they are, under Infobip's names. */
static const struct {
	struct str name, attribute;
} plain[] = {
	{ STR_INIT("firstName"), STR_INIT("first_name") },
	{ STR_INIT("lastName"), STR_INIT("last_name") },
	{ STR_INIT("middleName"), STR_INIT("middle_name") },
	{ STR_INIT("address"), STR_INIT("address") },
	{ STR_INIT("city"), STR_INIT("city") },
	{ STR_INIT("country"), STR_INIT("country") },
	{ STR_INIT("birthDate"), STR_INIT("birthdate") },
	{ STR_INIT("preferredLanguage"), STR_INIT("language") },
	{ STR_INIT("profilePicture"), STR_INIT("profile_picture") },
};

/* The lists of contactInformation and what is in them, beside phone and email. */
static const struct {
	struct str list, member;
	enum identity_kind kind;
} channels[] = {
	{ STR_INIT("phone"), STR_INIT("number"), IDENTITY_PHONE },
	{ STR_INIT("email"), STR_INIT("address"), IDENTITY_EMAIL },
	{ STR_INIT("push"), STR_INIT("userId"), IDENTITY_PUSH },
	{ STR_INIT("webpush"), STR_INIT("userId"), IDENTITY_WEB_PUSH },
	{ STR_INIT("facebook"), STR_INIT("userId"), IDENTITY_FACEBOOK },
	{ STR_INIT("line"), STR_INIT("userId"), IDENTITY_LINE },
	{ STR_INIT("instagram"), STR_INIT("userId"), IDENTITY_INSTAGRAM },
	{ STR_INIT("instagramDm"), STR_INIT("userId"), IDENTITY_INSTAGRAM_DM },
	{ STR_INIT("twitter"), STR_INIT("userId"), IDENTITY_TWITTER },
	{ STR_INIT("telegram"), STR_INIT("userId"), IDENTITY_TELEGRAM },
	{ STR_INIT("viberBots"), STR_INIT("userId"), IDENTITY_VIBER_BOTS },
	{ STR_INIT("liveChat"), STR_INIT("userId"), IDENTITY_LIVE_CHAT },
	{ STR_INIT("whatsapp"), STR_INIT("userId"), IDENTITY_WHATSAPP },
	{ STR_INIT("appleBusinessChat"), STR_INIT("userId"), IDENTITY_APPLE_BUSINESS_CHAT },
	{ STR_INIT("googleBusinessMessages"), STR_INIT("userId"),
	  IDENTITY_GOOGLE_BUSINESS_MESSAGES },
	{ STR_INIT("kakaoSangdam"), STR_INIT("userId"), IDENTITY_KAKAO_SANGDAM },
	{ STR_INIT("zaloFollower"), STR_INIT("userId"), IDENTITY_ZALO_FOLLOWER },
	{ STR_INIT("tiktokBm"), STR_INIT("userId"), IDENTITY_TIKTOK_BM },
	{ STR_INIT("openChannel"), STR_INIT("userId"), IDENTITY_OPEN_CHANNEL },
};

/* A member whose value is text, when there is one. */
static void put_text(struct buf *b, struct str name, struct str value)
{
	if (!value.p)
		return;
	buf_char(b, ',');
	buf_json_str(b, name);
	buf_char(b, ':');
	buf_json_str(b, value);
}

/* Infobip's form has neither fraction nor zone. */
static void put_time(struct buf *b, struct str name, instant_us t)
{
	char text[40];
	struct buf at = buf_over(text, sizeof(text));
	time_put(&at, t, 0);
	must(!at.failed && at.n > 0);
	put_text(b, name, str_head(buf_str(&at), at.n - 1));
}

/* .p is NULL when there is no such identity. */
static struct str identity(yyjson_val *identities, enum identity_kind kind)
{
	size_t i, n;
	yyjson_val *v;
	yyjson_arr_foreach (identities, i, n, v)
		if (str_eq(json_str(json_get(v, STR("kind"))), str_of(identity_kind_name(kind))))
			return json_str(json_get(v, STR("value")));
	return (struct str){ 0 };
}

static struct str gender(struct str stored)
{
	if (str_eq_nocase(str_head(stored, 1), STR("m")))
		return STR("MALE");
	return str_eq_nocase(str_head(stored, 1), STR("f")) ? STR("FEMALE") : (struct str){ 0 };
}

static void put_attributes(struct buf *b, yyjson_val *attributes)
{
	struct str type = json_str(json_get(attributes, STR("type")));
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		yyjson_val *v = json_get(attributes, plain[i].attribute);
		if (yyjson_is_str(v))
			put_text(b, plain[i].name, json_str(v));
	}
	put_text(b, STR("gender"), gender(json_str(json_get(attributes, STR("gender")))));
	put_text(b, STR("type"), str_eq(type, STR("LEAD")) ? type : STR("CUSTOMER"));
}

static void put_json(struct buf *b, const char *name, yyjson_val *v)
{
	if (!v)
		return;
	buf_printf(b, ",\"%s\":", name);
	json_put(b, v);
}

/* Phones are shown by their digits. */
static void put_value(struct buf *b, struct arena *a, enum identity_kind kind, struct str value)
{
	struct str key = kind == IDENTITY_PHONE ? identity_key(a, kind, value) : value;
	buf_json_str(b, key.p ? key : value);
}

/* One of the lists; nothing when it is empty. */
static void put_channel(struct buf *b, struct arena *a, yyjson_val *identities, unsigned channel,
			char *between)
{
	size_t i, n, found = 0;
	yyjson_val *v;
	struct str kind = str_of(identity_kind_name(channels[channel].kind));
	yyjson_arr_foreach (identities, i, n, v) {
		if (!str_eq(json_str(json_get(v, STR("kind"))), kind))
			continue;
		if (found++ == 0) {
			buf_char(b, *between);
			buf_json_str(b, channels[channel].list);
			buf_lit(b, ":[{");
			*between = ',';
		} else {
			buf_lit(b, ",{");
		}
		buf_json_str(b, channels[channel].member);
		buf_char(b, ':');
		put_value(b, a, channels[channel].kind, json_str(json_get(v, STR("value"))));
		buf_char(b, '}');
	}
	if (found)
		buf_char(b, ']');
}

static void put_contacts(struct buf *b, struct arena *a, yyjson_val *identities)
{
	char between = '{';
	buf_lit(b, ",\"contactInformation\":");
	for (unsigned i = 0; i < ARRAY_LEN(channels); i++)
		put_channel(b, a, identities, i, &between);
	buf_put(b, between == '{' ? STR("{}") : STR("}"));
}

bool infobip_person_put(struct buf *b, struct arena *a, const struct contact_view *v)
{
	yyjson_val *identities, *attributes;
	if (json_parse(a, v->identities, &identities, NULL) != JSON_OK ||
	    json_parse(a, v->attributes, &attributes, NULL) != JSON_OK)
		return false;
	buf_lit(b, "{\"id\":");
	buf_u64(b, v->number);
	put_text(b, STR("externalId"), identity(identities, IDENTITY_EXTERNAL_ID));
	put_attributes(b, attributes);
	put_json(b, "tags", json_get(attributes, STR("tags")));
	put_json(b, "customAttributes", json_get(attributes, STR("custom")));
	put_contacts(b, a, identities);
	put_time(b, STR("createdAt"), v->created_at);
	put_time(b, STR("modifiedAt"), v->updated_at);
	buf_lit(b, ",\"origin\":\"API\",\"modifiedFrom\":\"API\"}");
	return !b->failed;
}
