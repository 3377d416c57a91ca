/* The resources under /_/v1, one after another: parameters, then rows. */
#include "api/native_query.h"
#include "api/render.h"

#include "net/url.h"

#include <stdlib.h>

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 1000 };

static bool refuse(struct native_query *q, const char *detail)
{
	return native_refuse(q, 400, detail);
}

static struct str param(struct native_query *q, const char *name)
{
	return url_query(&q->req->arena, q->req->query, str_of(name));
}

static bool read_number(struct native_query *q, const char *name, uint64_t min, uint64_t max,
			uint64_t *out)
{
	struct str s = param(q, name);
	if (!s.p || (str_to_u64(s, out) && *out >= min && *out <= max))
		return true;
	struct str why = arena_printf(
		&q->req->arena, "%s must be a whole number from %llu to %llu, not \"" STR_FMT "\"",
		name, (unsigned long long)min, (unsigned long long)max, STR_ARG(str_head(s, 40)));
	return refuse(q, why.p ? why.p : "a parameter is not a number");
}

static bool read_time(struct native_query *q, const char *name, instant_us *out)
{
	struct str s = param(q, name);
	if (!s.p || time_parse(s, TIME_DATE_ALONE, out))
		return true;
	struct str why = arena_printf(
		&q->req->arena,
		"%s must be a time such as 2026-06-01T12:00:00Z (RFC 3339), not \"" STR_FMT "\"",
		name, STR_ARG(str_head(s, 40)));
	return refuse(q, why.p ? why.p : "a parameter is not a time");
}

static bool read_page(struct native_query *q)
{
	uint64_t limit = LIMIT_DEFAULT;
	bool good = read_number(q, "limit", 1, LIMIT_MAX, &limit) &&
		    read_number(q, "before", 1, INT64_MAX, &q->events.before);
	q->events.limit = (unsigned)limit;
	return good;
}

bool resource_contact_id(struct native_query *q)
{
	uint64_t number;
	struct str id = q->params[0];
	q->value = id;
	if (form_uuid(id))
		q->kind = IDENTITY_UUID;
	else if (id.n < 20 && str_to_u64(id, &number))
		q->kind = IDENTITY_NUMBER;
	else if (id.n == 24)
		q->kind = IDENTITY_HEX;
	else
		return refuse(q, "a contact's id is a UUID, a number or 24 hex digits");
	return true;
}

/* --- Events --- */

static int put_events(struct native_query *q, struct store_reader *r)
{
	struct event_row *rows;
	unsigned n;
	uint64_t next_before;
	int e = store_read_events(r, &q->req->arena, &q->events, &rows, &n, &next_before);
	if (e != STORE_OK)
		return e;
	render_list_open(&q->body);
	for (unsigned i = 0; i < n; i++) {
		render_list_next(&q->body, i);
		render_event(&q->body, &rows[i]);
	}
	render_list_close(&q->body, next_before);
	return STORE_OK;
}

static bool prepare_events(struct native_query *q)
{
	if (!read_page(q) || !read_time(q, "since", &q->events.since) ||
	    !read_time(q, "until", &q->events.until))
		return false;
	struct str name = param(q, "definition");
	if (!name.p)
		return true;
	const struct definition *d = workspace_definition(q->workspace, name);
	/* A name that is not defined has no events; UINT32_MAX is no definition's number. */
	q->events.definition = d ? d->no : UINT32_MAX;
	return true;
}

static bool prepare_event(struct native_query *q)
{
	if (form_uuid(q->params[0]))
		return true;
	return refuse(q, "an event's id is a UUID");
}

static int read_event(struct native_query *q, struct store_reader *r)
{
	struct uuid id = { 0 };
	struct event_row row;
	bool is_uuid = uuid_parse(q->params[0], &id);
	must(is_uuid);
	int e = store_read_event(r, &q->req->arena, q->events.workspace, id, &row);
	if (e == STORE_OK)
		render_event(&q->body, &row);
	return e;
}

/* --- Contacts --- */

static const struct {
	const char *param;
	enum identity_kind kind;
} lookups[] = {
	{ "email", IDENTITY_EMAIL },
	{ "phone", IDENTITY_PHONE },
	{ "external_id", IDENTITY_EXTERNAL_ID },
};

static bool prepare_contacts(struct native_query *q)
{
	for (size_t i = 0; i < ARRAY_LEN(lookups); i++) {
		struct str s = param(q, lookups[i].param);
		if (!s.p)
			continue;
		if (q->value.p)
			return refuse(q, "only one of email, phone and external_id");
		q->kind = lookups[i].kind;
		q->value = s;
	}
	return read_page(q);
}

/* A look-up is a list of one or none. */
static int find_contacts(struct native_query *q, struct store_reader *r)
{
	struct contact_view row;
	int e = store_find_contact(r, &q->req->arena, q->events.workspace, q->kind, q->value, &row);
	if (e != STORE_OK && e != STORE_NONE)
		return e;
	render_list_open(&q->body);
	if (e == STORE_OK)
		render_contact(&q->body, &row);
	render_list_close(&q->body, 0);
	return STORE_OK;
}

static int read_contacts(struct native_query *q, struct store_reader *r)
{
	struct contact_view *rows;
	unsigned n;
	bool more;
	if (q->value.p)
		return find_contacts(q, r);
	const struct contact_query page = { .workspace = q->events.workspace,
					    .before = q->events.before,
					    .limit = q->events.limit };
	int e = store_read_contacts(r, &q->req->arena, &page, &rows, &n, &more);
	if (e != STORE_OK)
		return e;
	render_list_open(&q->body);
	for (unsigned i = 0; i < n; i++) {
		render_list_next(&q->body, i);
		render_contact(&q->body, &rows[i]);
	}
	render_list_close(&q->body, more && n ? rows[n - 1].number : 0);
	return STORE_OK;
}

static int read_contact(struct native_query *q, struct store_reader *r)
{
	struct contact_view row;
	int e = store_find_contact(r, &q->req->arena, q->events.workspace, q->kind, q->value, &row);
	if (e == STORE_OK)
		render_contact(&q->body, &row);
	return e;
}

static bool prepare_timeline(struct native_query *q)
{
	return resource_contact_id(q) && read_page(q);
}

static int read_timeline(struct native_query *q, struct store_reader *r)
{
	struct contact_view row;
	int e = store_find_contact(r, &q->req->arena, q->events.workspace, q->kind, q->value, &row);
	if (e != STORE_OK)
		return e;
	q->events.contact = row.number;
	return put_events(q, r);
}

/* --- Definitions, stats --- */

static int by_no(const void *a, const void *b)
{
	const struct definition *const *x = a, *const *y = b;
	return (*x)->no < (*y)->no ? -1 : (*x)->no > (*y)->no;
}

/* Oldest first. */
static void show_definitions(struct native_query *q)
{
	const struct workspace *w = q->workspace;
	const struct definition **list =
		arena_array(&q->req->arena, const struct definition *, w->n_definitions);
	unsigned n = 0;
	for (unsigned i = 0; list && i < w->room; i++)
		if (w->definitions[i])
			list[n++] = w->definitions[i];
	if (n)
		qsort(list, n, sizeof(*list), by_no);

	q->body.failed |= !list;
	render_list_open(&q->body);
	for (unsigned i = 0; i < n; i++) {
		render_list_next(&q->body, i);
		render_definition(&q->body, list[i]);
	}
	render_list_close(&q->body, 0);
}

static int read_stats(struct native_query *q, struct store_reader *r)
{
	struct store_stats stats;
	int e = store_read_stats(r, &q->req->arena, q->events.workspace, &stats);
	if (e == STORE_OK)
		render_stats(&q->body, &stats);
	return e;
}

/* Events carry personal data as contacts do, and there is no scope of their own for reading. */
static const struct resource events = { 0, prepare_events, .read = put_events };
static const struct resource event = { 0, prepare_event, .read = read_event };
static const struct resource contacts = { SCOPE_CONTACTS_READ, prepare_contacts,
					  .read = read_contacts };
static const struct resource contact = { SCOPE_CONTACTS_READ, resource_contact_id,
					 .read = read_contact };
static const struct resource timeline = { SCOPE_CONTACTS_READ, prepare_timeline,
					  .read = read_timeline };
static const struct resource definitions = { SCOPE_DEFINITIONS_READ, .show = show_definitions };
static const struct resource stats = { 0, .read = read_stats };

const struct route native_routes[] = {
	{ METHOD_GET, "/_/v1/events", &events },
	{ METHOD_GET, "/_/v1/events/{id}", &event },
	{ METHOD_GET, "/_/v1/contacts", &contacts },
	{ METHOD_GET, "/_/v1/contacts/{id}", &contact },
	{ METHOD_DELETE, "/_/v1/contacts/{id}", &native_contact_delete },
	{ METHOD_GET, "/_/v1/contacts/{id}/events", &timeline },
	{ METHOD_GET, "/_/v1/contacts/{id}/export", &native_contact_export },
	{ METHOD_GET, "/_/v1/definitions", &definitions },
	{ METHOD_POST, "/_/v1/definitions", &native_define },
	{ METHOD_GET, "/_/v1/definitions/{name}", &native_definition },
	{ METHOD_PATCH, "/_/v1/definitions/{name}", &native_redefine },
	{ METHOD_DELETE, "/_/v1/definitions/{name}", &native_undefine },
	{ METHOD_GET, "/_/v1/keys", &native_keys },
	{ METHOD_POST, "/_/v1/keys", &native_key_make },
	{ METHOD_DELETE, "/_/v1/keys/{number}", &native_key_revoke },
	{ METHOD_GET, "/_/v1/stats", &stats },
};
const unsigned n_native_routes = ARRAY_LEN(native_routes);
