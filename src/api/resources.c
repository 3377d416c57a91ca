/* The resources under /_/v1, one after another: parameters, then rows. */
#include "api/native_query.h"
#include "store/render.h"

static bool refuse(struct native_query *q, const char *detail)
{
	return native_refuse(q, 400, detail);
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
	if (e == STORE_REFUSED)
		native_refuse(q, 400, "\"before\" is not what a page before said");
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
	if (!native_page(q) || !native_time(q, "since", &q->events.since) ||
	    !native_time(q, "until", &q->events.until))
		return false;
	struct str name = native_param(q, "definition");
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
		struct str s = native_param(q, lookups[i].param);
		if (!s.p)
			continue;
		if (q->value.p)
			return refuse(q, "only one of email, phone and external_id");
		q->kind = lookups[i].kind;
		q->value = s;
	}
	return native_page(q);
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
	return resource_contact_id(q) && native_page(q);
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

static const char *const events_params[] = {
	"limit", "before", "since", "until", "definition", NULL
};
static const char *const contacts_params[] = { "limit", "before",      "email",
					       "phone", "external_id", NULL };

/* Events carry personal data as contacts do, and there is no scope of their own for reading. */
static const struct resource events = {
	.params = events_params,
	.prepare = prepare_events,
	.read = put_events,
};
static const struct resource event = {
	.prepare = prepare_event,
	.read = read_event,
};
static const struct resource contacts = {
	SCOPE_CONTACTS_READ,
	.params = contacts_params,
	.prepare = prepare_contacts,
	.read = read_contacts,
};
static const struct resource contact = {
	SCOPE_CONTACTS_READ,
	.prepare = resource_contact_id,
	.read = read_contact,
};
static const struct resource timeline = {
	SCOPE_CONTACTS_READ,
	.params = native_page_params,
	.prepare = prepare_timeline,
	.read = read_timeline,
};

const struct route native_routes[] = {
	{ METHOD_GET, "/_/v1/events", &events },
	{ METHOD_GET, "/_/v1/events/{id}", &event },
	{ METHOD_GET, "/_/v1/events/stream", &native_stream },
	{ METHOD_GET, "/_/v1/contacts", &contacts },
	{ METHOD_GET, "/_/v1/contacts/{id}", &contact },
	{ METHOD_DELETE, "/_/v1/contacts/{id}", &native_contact_delete },
	{ METHOD_GET, "/_/v1/contacts/{id}/events", &timeline },
	{ METHOD_GET, "/_/v1/contacts/{id}/export", &native_contact_export },
	{ METHOD_GET, "/_/v1/definitions", &native_definitions },
	{ METHOD_POST, "/_/v1/definitions", &native_define },
	{ METHOD_GET, "/_/v1/definitions/{name}", &native_definition },
	{ METHOD_PATCH, "/_/v1/definitions/{name}", &native_redefine },
	{ METHOD_DELETE, "/_/v1/definitions/{name}", &native_undefine },
	{ METHOD_GET, "/_/v1/destinations", &native_destinations },
	{ METHOD_POST, "/_/v1/destinations", &native_destination_make },
	{ METHOD_GET, "/_/v1/destinations/{name}", &native_destination },
	{ METHOD_PATCH, "/_/v1/destinations/{name}", &native_destination_change },
	{ METHOD_DELETE, "/_/v1/destinations/{name}", &native_destination_delete },
	{ METHOD_GET, "/_/v1/automations", &native_automations },
	{ METHOD_POST, "/_/v1/automations", &native_automation_make },
	{ METHOD_GET, "/_/v1/automations/{name}", &native_automation },
	{ METHOD_PATCH, "/_/v1/automations/{name}", &native_automation_change },
	{ METHOD_DELETE, "/_/v1/automations/{name}", &native_automation_delete },
	{ METHOD_POST, "/_/v1/automations/{name}/test", &native_automation_test },
	{ METHOD_GET, "/_/v1/deliveries", &native_deliveries },
	{ METHOD_GET, "/_/v1/deliveries/{number}", &native_delivery },
	{ METHOD_POST, "/_/v1/deliveries/{number}/replay", &native_delivery_replay },
	{ METHOD_POST, "/_/v1/deliveries/replay", &native_deliveries_replay },
	{ METHOD_GET, "/_/v1/replays", &native_replays },
	{ METHOD_GET, "/_/v1/replays/{number}", &native_replay },
	{ METHOD_DELETE, "/_/v1/replays/{number}", &native_replay_stop },
	{ METHOD_GET, "/_/v1/keys", &native_keys },
	{ METHOD_POST, "/_/v1/keys", &native_key_make },
	{ METHOD_GET, "/_/v1/keys/{number}", &native_key },
	{ METHOD_DELETE, "/_/v1/keys/{number}", &native_key_revoke },
	{ METHOD_GET, "/_/v1/workspaces", &native_workspaces },
	{ METHOD_POST, "/_/v1/workspaces", &native_workspace_make },
	{ METHOD_GET, "/_/v1/workspaces/{id}", &native_workspace },
	{ METHOD_PATCH, "/_/v1/workspaces/{id}", &native_workspace_change },
	{ METHOD_GET, "/_/v1/stats", &native_stats },
};
const unsigned n_native_routes = ARRAY_LEN(native_routes);
