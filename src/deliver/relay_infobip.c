/*
 * To Infobip: POST /peopleevents/2/persons/{person}/definitions/{definition}/events. A person is
 * named by one identifier, and made with it when unknown. The eventId, a UUID of the delivery's id,
 * is recorded once. The call takes neither attributes of the person nor the time of the event,
 * which is when Infobip hears of it; with keep_time it is POST /people/3/events, which takes the
 * time.
 */
#include "deliver/relay.h"
#include "net/url.h"

enum {
	LATE_S = 60, /* from there on it is noted that the time is another */
	CREATING = 3,
	OLDEST_S = 30 * 24 * 60 * 60, /* of what is sent with its time */
};

/* In the order in which they are preferred: the client's own id names nobody else. An unknown
 * person can be made with one of the first CREATING. */
static const struct {
	enum identity_kind kind;
	struct str type;
} identifiers[] = {
	{ IDENTITY_EXTERNAL_ID, STR_INIT("EXTERNAL_ID") },
	{ IDENTITY_EMAIL, STR_INIT("EMAIL") },
	{ IDENTITY_PHONE, STR_INIT("PHONE") },
	{ IDENTITY_WHATSAPP, STR_INIT("WHATSAPP") },
	{ IDENTITY_PUSH, STR_INIT("PUSH") },
	{ IDENTITY_WEB_PUSH, STR_INIT("WEB_PUSH") },
	{ IDENTITY_TELEGRAM, STR_INIT("TELEGRAM") },
	{ IDENTITY_VIBER_BOTS, STR_INIT("VIBER_BOTS") },
	{ IDENTITY_LINE, STR_INIT("LINE") },
	{ IDENTITY_FACEBOOK, STR_INIT("FACEBOOK") },
	{ IDENTITY_INSTAGRAM, STR_INIT("INSTAGRAM") },
	{ IDENTITY_INSTAGRAM_DM, STR_INIT("INSTAGRAM_DM") },
	{ IDENTITY_TWITTER, STR_INIT("TWITTER") },
	{ IDENTITY_LIVE_CHAT, STR_INIT("LIVE_CHAT") },
	{ IDENTITY_APPLE_BUSINESS_CHAT, STR_INIT("APPLE_BUSINESS_CHAT") },
	{ IDENTITY_GOOGLE_BUSINESS_MESSAGES, STR_INIT("GOOGLE_BUSINESS_MESSAGES") },
	{ IDENTITY_KAKAO_SANGDAM, STR_INIT("KAKAO_SANGDAM") },
	{ IDENTITY_ZALO_FOLLOWER, STR_INIT("ZALO_FOLLOWER") },
	{ IDENTITY_TIKTOK_BM, STR_INIT("TIKTOK_BM") },
};

/* ARRAY_LEN(identifiers): it has none of them. */
static size_t find_identifier(struct relay_call *c, struct str *value)
{
	size_t i = 0;
	while (i < ARRAY_LEN(identifiers) && !(*value = relay_identity(c, identifiers[i].kind)).p)
		i++;
	if (i < ARRAY_LEN(identifiers))
		relay_used(c, str_of(identity_kind_name(identifiers[i].kind)));
	return i;
}

/* Lists are lists of flat objects. */
static bool is_list(yyjson_val *list)
{
	size_t i, j, n, m;
	yyjson_val *item, *key, *v;
	yyjson_arr_foreach (list, i, n, item) {
		if (!yyjson_is_obj(item))
			return false;
		json_foreach_member (item, j, m, key, v)
			if (yyjson_is_ctn(v))
				return false;
	}
	return true;
}

static const char *put_value(struct relay_call *c, struct buf *b, struct str name, yyjson_val *v)
{
	if (yyjson_is_obj(v))
		return "an object";
	if (yyjson_is_arr(v) && !is_list(v))
		return "a list of other things than flat objects";
	relay_put_typed(c, b, name, v);
	return NULL;
}

static void put_event(struct relay_call *c)
{
	char id[UUID_TEXT + 1];
	uuid_text(relay_uuid(c), id);
	buf_printf(&c->body, "\"eventId\":\"%s\",\"properties\":", id);
	relay_put_properties(c, &c->body, UINT_MAX, put_value);
}

/* --- The call for one event --- */

static void put_encoded(struct relay_call *c, struct str s)
{
	struct str encoded = url_encode(c->arena, s);
	c->failed |= !encoded.p;
	if (encoded.p)
		buf_put(&c->path, encoded);
}

static void make_one(struct relay_call *c)
{
	struct str person;
	size_t i = find_identifier(c, &person);
	if (i == ARRAY_LEN(identifiers)) {
		c->why_not = "Infobip needs an external id, an e-mail, a phone or the id of a "
			     "messaging channel of the contact";
		return;
	}
	buf_lit(&c->path, "/peopleevents/2/persons/");
	put_encoded(c, person);
	buf_lit(&c->path, "/definitions/");
	put_encoded(c, c->name);
	buf_lit(&c->path, "/events?identifierType=");
	buf_put(&c->path, identifiers[i].type);
	if (i < CREATING)
		buf_lit(&c->path, "&createPerson=true");
	buf_char(&c->body, '{');
	put_event(c);
	buf_char(&c->body, '}');
	if (llabs(c->now - c->event->occurred_at) > LATE_S * US_PER_S)
		relay_leave_out(c, STR("event."), STR("occurred_at"), "Infobip takes its own time");
}

/* --- The call for many --- */

/* Messaging ids need a sender there, which is not known here. */
static void make_with_time(struct relay_call *c)
{
	struct str person;
	size_t i = find_identifier(c, &person);
	if (i >= CREATING)
		c->why_not = "Infobip needs an external id, an e-mail or a phone of the contact";
	else if ((c->now - c->event->occurred_at) / US_PER_S > OLDEST_S)
		c->why_not = "Infobip takes no event that is older than 30 days";
	if (c->why_not)
		return;
	buf_lit(&c->path, "/people/3/events");
	buf_lit(&c->body, "[{");
	relay_put_text(&c->body, "definitionId", c->name);
	buf_lit(&c->body, ",\"occurredTime\":");
	relay_put_time(&c->body, c->event->occurred_at);
	buf_lit(&c->body, ",\"identifier\":{");
	relay_put_text(&c->body, "id", person);
	relay_put_text(&c->body, "type", identifiers[i].type);
	buf_lit(&c->body, "},");
	put_event(c);
	buf_lit(&c->body, "}]");
}

static void make(struct relay_call *c)
{
	relay_authorization(c, "App ");
	if (c->to->relay.keep_time)
		make_with_time(c);
	else
		make_one(c);
}

const struct relay_vendor relay_infobip = { .make = make, .remembers_s = RELAY_FOREVER };
