/*
 * What a batch may be of, and how it is shown: omnisend.md 3.3. An item's answer is the one that a
 * call of its own would have had, in the version that asks.
 */
#include "dialect/omnisend_private.h"

#include "model/contact.h"

/* --- Contacts --- */

/* Whom a PUT changes: by the id, under either of its names, else by what identifies it. */
static enum refusal read_known(struct call *call, yyjson_val *item, struct op *op)
{
	static const struct shape_member ids[] = {
		{ STR_INIT("contactID"), SHAPE_STRING, .flags = OMNISEND_GIVEN },
		{ STR_INIT("id"), SHAPE_STRING, .flags = OMNISEND_GIVEN },
	};
	struct who who = { .kind = IDENTITY_HEX, .use = WHO_LOOKUP };
	yyjson_val *v[ARRAY_LEN(ids)];
	shape_read(call, item, STR(""), ids, ARRAY_LEN(ids), false, v);
	yyjson_val *id = v[0] ?: v[1];
	if (!id)
		return omnisend_read_known(call, item, op);
	who.value = json_str(id);
	if (omnisend_is_name(who.kind, who.value))
		return omnisend_read_changes(call, item, who, op);
	problem_at(&call->problems, PROBLEM_UNKNOWN_CONTACT, ids[v[0] ? 0 : 1].name);
	return REFUSE_NOTHING;
}

static enum refusal read_contact(struct call *call, yyjson_val *item, bool put, struct op *op)
{
	return put ? read_known(call, item, op) : omnisend_read_contact(call, item, op);
}

static int put_contact(struct buf *b, const struct call *call, const struct bulk_item_view *item)
{
	bool dated = omnisend_version(call)->dated;
	char hex[CONTACT_HEX + 1];
	contact_hex(item->contact, item->contact_created_at, hex);
	buf_printf(b, "{\"%s\":\"%s\"}", dated ? "id" : "contactID", hex);
	return dated && item->outcome == BULK_MADE ? 201 : 200;
}

/* --- Events --- */

static enum refusal read_event(struct call *call, yyjson_val *item, bool put, struct op *op)
{
	must(!put);
	return omnisend_read_event(call, item, op);
}

static int put_nothing(struct buf *b, int status)
{
	buf_lit(b, "null");
	return status;
}

static int put_event(struct buf *b, const struct call *call, const struct bulk_item_view *item)
{
	(void)call;
	(void)item;
	return put_nothing(b, 202);
}

static const struct omnisend_batched all[] = {
	{ .name = STR_INIT("contacts"),
	  .space = BULK_OMNISEND_CONTACTS,
	  .writes = SCOPE_CONTACTS_WRITE,
	  .reads = SCOPE_CONTACTS_READ | SCOPE_CONTACTS_WRITE,
	  .methods = "POST, PUT",
	  .read = read_contact,
	  .contact = STR_INIT(""),
	  .no = omnisend_contact_no,
	  .put = put_contact },
	{ .name = STR_INIT("events"),
	  .space = BULK_OMNISEND_EVENTS,
	  .writes = SCOPE_EVENTS_WRITE,
	  .reads = SCOPE_EVENTS_WRITE,
	  .methods = "POST",
	  .read = read_event,
	  .contact = STR_INIT("contact"),
	  .put = put_event },
};

const struct omnisend_batched *omnisend_batched_find(struct call *call, struct str name,
						     struct str path)
{
	for (unsigned i = 0; i < ARRAY_LEN(all); i++)
		if (str_eq(all[i].name, name))
			return &all[i];
	problem_at(&call->problems, PROBLEM_VALUE, path, .rule = "contacts, events");
	return NULL;
}

const struct omnisend_batched *omnisend_batched_in(enum bulk_space space)
{
	unsigned i = 0;
	while (i + 1 < ARRAY_LEN(all) && all[i].space != space)
		i++;
	return &all[i];
}

enum refusal omnisend_batch_scope(struct call *call, unsigned scopes)
{
	call->scope = scopes;
	return call->scopes & scopes ? REFUSE_NOTHING : REFUSE_SCOPE;
}

/* --- Items as they are shown --- */

static int put_refusal(struct buf *b, struct call *call, const struct omnisend_batched *of,
		       const struct bulk_item_view *item)
{
	const struct omnisend_no *no = of->no ? of->no(item->problem) : NULL;
	struct problems ps;
	if (item->problem == PROBLEM_NONE) /* memory was short */
		return put_nothing(b, 503);
	if (item->problems.n == 0) /* erased */
		return put_nothing(b, no ? no->status : 400);
	if (!problems_read_json(b->arena, item->problems, &ps)) {
		b->failed = true;
		return 0;
	}
	omnisend_name_places(b->arena, &ps, of->contact);
	return omnisend_put_refusal(b, call, &ps, no);
}

static void put_item(struct buf *b, struct call *call, const struct bulk_view *batch,
		     const struct bulk_item_view *item)
{
	const struct omnisend_batched *of = omnisend_batched_in(batch->space);
	bool refused = item->outcome == BULK_REFUSED;
	char hex[CONTACT_HEX + 1];
	contact_hex(item->number, batch->created_at, hex);
	buf_printf(b, "{\"itemID\":\"%s\",\"request\":", hex);
	buf_put(b, item->request.n ? item->request : STR("null"));
	buf_lit(b, ",\"response\":");
	int status = refused ? put_refusal(b, call, of, item) : of->put(b, call, item);
	buf_printf(b, ",\"responseCode\":%d,\"status\":\"%s\"}", status,
		   refused ? "error" : "finished");
}

/* Those that were refused, or those that were not. */
static void put_items(struct buf *b, struct call *call, const struct bulk_view *batch, bool refused)
{
	char between = '[';
	for (unsigned i = 0; i < batch->n_items; i++) {
		if ((batch->items[i].outcome == BULK_REFUSED) != refused)
			continue;
		buf_char(b, between);
		put_item(b, call, batch, &batch->items[i]);
		between = ',';
	}
	buf_put(b, between == '[' ? STR("[]") : STR("]"));
}

/* --- The batch --- */

void omnisend_put_batch_id(struct buf *b, uint64_t number, instant_us created_at)
{
	char hex[CONTACT_HEX + 1];
	contact_hex(number, created_at, hex);
	buf_printf(b, "\"batchID\":\"%s\"", hex);
}

static void put_times(struct buf *b, instant_us at)
{
	static const char *const names[] = { "createdAt", "startedAt", "endedAt" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		buf_printf(b, ",\"%s\":\"", names[i]);
		time_put(b, at, 3);
		buf_char(b, '"');
	}
}

static void put_counts(struct buf *b, const struct bulk_view *batch)
{
	buf_printf(b, ",\"totalCount\":%u,\"finishedCount\":%u,\"errorsCount\":%u", batch->n_items,
		   batch->n_items, batch->n_refused);
}

void omnisend_put_batch(struct buf *b, struct call *call, const struct bulk_view *batch)
{
	yyjson_val *about = NULL;
	b->failed |= json_parse(b->arena, batch->about, &about, NULL) != JSON_OK;
	buf_char(b, '{');
	omnisend_put_batch_id(b, batch->number, batch->created_at);
	put_times(b, batch->created_at);
	buf_lit(b, ",\"endpoint\":");
	buf_json_str(b, omnisend_batched_in(batch->space)->name);
	buf_lit(b, ",\"method\":");
	json_put(b, json_get(about, STR("method")));
	buf_lit(b, ",\"status\":\"finished\"");
	put_counts(b, batch);
	buf_lit(b, ",\"origin\":");
	json_put(b, json_get(about, STR("origin")));
	if (batch->items) {
		buf_lit(b, ",\"responses\":");
		put_items(b, call, batch, false);
		buf_lit(b, ",\"errors\":");
		put_items(b, call, batch, true);
	}
	buf_char(b, '}');
}
