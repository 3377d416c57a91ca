/* What a destination of type relay says: which vendor, whose account, and what goes under another
 * name there. */
#include "base/uuid.h"
#include "model/definition.h"
#include "model/destination_private.h"
#include "model/vendor.h"

static void require(struct destination_reader *r, enum destination_member member)
{
	if (!r->v[member])
		destination_wrong(r, member, PROBLEM_REQUIRED, NULL);
}

static bool read_vendor(struct destination_reader *r)
{
	require(r, VENDOR);
	if (!r->v[VENDOR])
		return false;
	r->out->relay.vendor = vendor_find(json_str(r->v[VENDOR]));
	if (!r->out->relay.vendor)
		destination_wrong(r, VENDOR, PROBLEM_VALUE, vendor_names);
	return r->out->relay.vendor;
}

/* Paths are put behind it. */
static void read_base(struct destination_reader *r)
{
	if (!r->v[URL]) {
		r->out->url = r->out->relay.vendor->url;
		if (!r->out->url.n)
			require(r, URL);
		return;
	}
	struct str url = json_str(r->v[URL]);
	if (str_find(url, '?') < url.n || str_find(url, '#') < url.n)
		return destination_wrong(r, URL, PROBLEM_FORMAT, "base URL, without a query");
	destination_read_url(r);
	while (r->out->url.n && r->out->url.p[r->out->url.n - 1] == '/')
		r->out->url.n--;
}

static void read_key(struct destination_reader *r)
{
	require(r, KEY);
	if (!r->v[KEY])
		return;
	if (!destination_is_visible(json_str(r->v[KEY])))
		return destination_wrong(r, KEY, PROBLEM_FORMAT,
					 "text of visible ASCII characters");
	r->out->relay.key = spec_copy(&r->spec, json_str(r->v[KEY]));
}

static void read_population(struct destination_reader *r)
{
	struct uuid id;
	char text[UUID_TEXT + 1];
	if (!r->out->relay.vendor->population) {
		if (r->v[POPULATION])
			destination_wrong(r, POPULATION, PROBLEM_UNKNOWN_MEMBER, NULL);
		return;
	}
	require(r, POPULATION);
	if (!r->v[POPULATION])
		return;
	if (!uuid_parse(json_str(r->v[POPULATION]), &id))
		return destination_wrong(r, POPULATION, PROBLEM_FORMAT, "uuid");
	uuid_text(id, text);
	r->out->relay.population = spec_copy(&r->spec, (struct str){ text, UUID_TEXT });
}

/* --- Names --- */

static bool is_name(const yyjson_val *v)
{
	struct str s = json_str(v);
	size_t n = yyjson_is_str((yyjson_val *)v) ? str_code_points(s) : 0;
	return n > 0 && n <= DEFINITION_NAME_MAX && !memchr(s.p, '\0', s.n);
}

static void wrong_name(struct destination_reader *r, struct str path)
{
	problem_at(r->spec.problems, PROBLEM_FORMAT, path, .rule = "name of 1 to 255 characters");
}

static void read_names(struct destination_reader *r)
{
	size_t i, n = yyjson_obj_size(r->v[NAMES]);
	yyjson_val *key, *v;
	if (n > DESTINATION_RENAMED_MAX) {
		problem_at(r->spec.problems, PROBLEM_TOO_MANY, STR("names"), .rule = "members",
			   .limit = DESTINATION_RENAMED_MAX, .size = (int64_t)n);
		return;
	}
	struct renamed *list = arena_array(r->spec.arena, struct renamed, n);
	r->spec.refused |= !list;
	if (!list)
		return;
	json_foreach_member (r->v[NAMES], i, n, key, v) {
		if (!is_name(v))
			wrong_name(r, spec_path(&r->spec, STR("names"), json_str(key)));
		list[i].from = spec_copy(&r->spec, json_str(key));
		list[i].to = spec_copy(&r->spec, is_name(v) ? json_str(v) : STR(""));
	}
	r->out->relay.names = list;
	r->out->relay.n_names = (unsigned)n;
}

/* --- Custom attributes of contacts --- */

static void read_field_list(struct destination_reader *r)
{
	static const struct str path = STR_INIT("contact_fields");
	size_t i, n = yyjson_arr_size(r->v[CONTACT_FIELDS]);
	yyjson_val *v;
	struct str *list = arena_array(r->spec.arena, struct str, n);
	r->spec.refused |= !list;
	if (!list)
		return;
	yyjson_arr_foreach (r->v[CONTACT_FIELDS], i, n, v) {
		if (is_name(v))
			list[i] = spec_copy(&r->spec, json_str(v));
		else
			wrong_name(r, problem_index(r->spec.arena, path, i));
	}
	r->out->relay.contact_fields = list;
	r->out->relay.n_contact_fields = (unsigned)n;
}

static void read_contact_fields(struct destination_reader *r)
{
	enum vendor_fields fields = r->out->relay.vendor->custom_fields;
	r->out->relay.all_contact_fields = !r->v[CONTACT_FIELDS] && fields == VENDOR_FIELDS_ALWAYS;
	if (!r->v[CONTACT_FIELDS])
		return;
	if (fields == VENDOR_FIELDS_NEVER)
		destination_wrong(r, CONTACT_FIELDS, PROBLEM_UNKNOWN_MEMBER, NULL);
	else
		read_field_list(r);
}

static void read_rate(struct destination_reader *r)
{
	const struct vendor *vendor = r->out->relay.vendor;
	bool keep = spec_boolean(r->v[KEEP_TIME], false);
	if (r->v[KEEP_TIME] && !vendor->requests_with_time)
		return destination_wrong(r, KEEP_TIME, PROBLEM_UNKNOWN_MEMBER, NULL);
	r->out->relay.keep_time = keep;
	if (!r->v[RATE])
		r->out->requests_per_second =
			keep ? vendor->requests_with_time : vendor->requests_per_second;
}

void destination_read_relay(struct destination_reader *r)
{
	if (!read_vendor(r))
		return;
	read_base(r);
	read_key(r);
	read_population(r);
	if (r->v[NAMES])
		read_names(r);
	read_contact_fields(r);
	r->out->allow_private = spec_boolean(r->v[ALLOW_PRIVATE], false);
	r->out->relay.at_least_once = spec_boolean(r->v[AT_LEAST_ONCE], false);
	read_rate(r);
}

/* --- As it is shown --- */

static void put_names(struct buf *b, const struct destination_relay *relay)
{
	buf_lit(b, ",\"names\":{");
	for (unsigned i = 0; i < relay->n_names; i++) {
		if (i > 0)
			buf_char(b, ',');
		buf_json_str(b, relay->names[i].from);
		buf_char(b, ':');
		buf_json_str(b, relay->names[i].to);
	}
	buf_char(b, '}');
}

void destination_put_relay(struct buf *b, const struct destination *d)
{
	const struct destination_relay *relay = &d->relay;
	buf_lit(b, ",\"vendor\":");
	buf_json_str(b, relay->vendor->name);
	buf_lit(b, ",\"url\":");
	buf_json_str(b, d->url);
	if (relay->vendor->population) {
		buf_lit(b, ",\"population\":");
		buf_json_str(b, relay->population);
	}
	put_names(b, relay);
	if (relay->vendor->custom_fields != VENDOR_FIELDS_NEVER && !relay->all_contact_fields) {
		buf_lit(b, ",\"contact_fields\":");
		buf_json_strs(b, relay->contact_fields, relay->n_contact_fields);
	}
	if (relay->vendor->requests_with_time)
		buf_printf(b, ",\"keep_time\":%s", relay->keep_time ? "true" : "false");
	buf_printf(b, ",\"allow_private\":%s,\"at_least_once\":%s",
		   d->allow_private ? "true" : "false", relay->at_least_once ? "true" : "false");
}
