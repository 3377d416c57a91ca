/*
 * Declarations of destinations and automations: any JSON is taken, and then stored, shown, switched
 * off and read again as the same, or refused with problems. What is taken as an automation is asked
 * about an event.
 *
 * The input's first byte: bit 0 what is declared, the others KiB of memory (0: enough). Then the
 * declaration; behind a NUL, if there is one, the properties of the event.
 */
#include "model/automation_sends.h"
#include "model/declaration.h"
#include "model/destination.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_MAX = 64 * 1024 * 1024, NOW_S = 1763719200 };

static const struct document there[] = {
	{ .no = 1,
	  .kind = DOCUMENT_DESTINATION,
	  .name = STR_INIT("crm"),
	  .body = STR_INIT("{\"name\":\"crm\",\"type\":\"file\",\"path\":\"crm\"}") },
	{ .no = 2, .kind = DOCUMENT_AUTOMATION, .name = STR_INIT("a"), .body = STR_INIT("{}") },
};

static const struct field fields[] = {
	{ .name = STR_INIT("total"), .type = FIELD_NUMBER },
	{ .name = STR_INIT("placed"), .type = FIELD_DATETIME },
	{ .name = STR_INIT("items"), .type = FIELD_ARRAY },
};

static const struct workspace *workspace(void)
{
	static struct catalog *catalog;
	struct catalog_edit *e = NULL;
	if (catalog)
		return catalog_workspace(catalog, 1);
	struct definition *d = definition_new(&(struct definition){
		.no = 1, .name = STR("order.completed"), .fields = fields, .n_fields = 3 });
	must(d && catalog_edit_new(NULL, &e) == 0);
	must(catalog_edit_workspace(e, &(struct workspace){ .no = 1, .name = STR("w") }) == 0);
	must(catalog_edit_define(e, 1, d) == 0);
	definition_unref(d);
	for (size_t i = 0; i < ARRAY_LEN(there); i++)
		must(catalog_edit_document(e, 1, &there[i]) == 0);
	catalog = catalog_edit_done(e);
	return catalog_workspace(catalog, 1);
}

static yyjson_val *parsed(struct arena *a, struct str text)
{
	yyjson_val *v = NULL;
	return json_parse(a, text, &v, NULL) == JSON_OK ? v : NULL;
}

/* --- What is refused --- */

static void judge_problems(struct arena *a, const struct problems *ps)
{
	must(ps->n > 0);
	for (unsigned i = 0; i < ps->n; i++) {
		struct buf b = buf_in(a);
		problem_put_english(&b, &ps->list[i]);
		must(b.failed || b.n > ps->list[i].path.n);
	}
}

/* --- An event --- */

static int count(void *ctx, struct str definition, instant_us since, uint64_t *out)
{
	(void)ctx;
	*out = (definition.n + (since ? 1 : 0)) % 5;
	return 0;
}

static void ask(struct arena *a, const struct automation *m, yyjson_val *properties)
{
	const struct facts f = {
		.definition = STR("order.completed"),
		.occurred_at = (NOW_S - 60) * US_PER_S,
		.received_at = NOW_S * US_PER_S,
		.now = NOW_S * US_PER_S,
		.properties = properties,
		.attributes = parsed(a, STR("{\"email\":\"a@b.co\",\"city\":7,\"tags\":[\"vip\"],"
					    "\"custom\":{\"age\":\"31\"}}")),
		.identities = parsed(a, STR("[{\"kind\":\"email\",\"value\":\"a@b.co\"}]")),
		.count = count,
	};
	struct verdict v = { .met = false };
	must(f.attributes && f.identities && automation_meets(m, &f, &v) == 0);
	must(v.met || v.why);
	must(!v.met || automation_triggers(m, f.definition));
}

/* --- What is taken --- */

static void judge_destination(struct arena *a, yyjson_val *v)
{
	struct problems ps = { 0 };
	struct destination d;
	struct buf shown = buf_in(a);
	must(destination_read(a, v, &ps, &d) && d.type < DESTINATION_TYPES);
	must(d.concurrency > 0 && d.n_secrets <= DESTINATION_SECRETS_MAX);
	destination_put(&shown, &d);
	must(!shown.failed && yyjson_is_obj(parsed(a, buf_str(&shown))));
}

static void judge_change(struct arena *a, const struct attribute_change *c)
{
	must(c->name.n > 0);
	must(c->verb == ATTRIBUTE_REMOVE || parsed(a, c->json));
}

static void judge_action(struct arena *a, const struct automation *m, const struct action *what)
{
	must(action_kind_name(what->kind));
	if (what->kind == ACTION_SEND)
		must(automation_sends_to(m, what->destination));
	else if (what->kind == ACTION_RECORD)
		must(what->definition.n > 0 &&
		     (!what->properties || yyjson_is_obj(what->properties)));
	else
		must(what->n_changes > 0 && what->n_changes <= ACTION_ATTRIBUTES_MAX);
	for (unsigned i = 0; i < what->n_changes; i++)
		judge_change(a, &what->changes[i]);
}

static void judge_automation(struct arena *a, yyjson_val *v, yyjson_val *properties)
{
	struct problems ps = { 0 };
	struct automation m;
	must(automation_read(a, v, &ps, &m) && ps.found == 0);
	must(m.n_actions > 0);
	for (unsigned i = 0; i < m.n_actions; i++)
		judge_action(a, &m, &m.actions[i]);
	ask(a, &m, properties);
}

static void judge_again(struct arena *a, const struct document *d)
{
	struct problems ps = { 0 };
	struct document again;
	yyjson_val *v = parsed(a, d->body);
	must(v && declaration_read(a, d->kind, v, NULL, &ps, &again));
	must(str_eq(again.body, d->body) && str_eq(again.name, d->name));
}

static void judge_switched(struct arena *a, const struct document *d, bool off)
{
	struct document switched = *d;
	switched.body = declaration_switch(a, d, off);
	must(switched.body.n <= DOCUMENT_STORED_MAX);
	must(declaration_is_off(a, &switched) == off);
}

static void judge_document(struct arena *a, const struct document *d, yyjson_val *properties)
{
	must(d->name.n > 0 && d->body.n <= DOCUMENT_STORED_MAX);
	judge_again(a, d);
	judge_switched(a, d, true);
	judge_switched(a, d, false);
	if (d->kind == DOCUMENT_DESTINATION)
		judge_destination(a, parsed(a, d->body));
	else
		judge_automation(a, parsed(a, d->body), properties);
}

static void declare(struct arena *a, struct arena *enough, enum document_kind kind,
		    struct str declaration, yyjson_val *properties)
{
	struct problems ps = { 0 }, among = { 0 };
	struct document d;
	yyjson_val *v = parsed(enough, declaration);
	if (!v)
		return;
	bool taken = declaration_read(a, kind, v, NULL, &ps, &d);
	must(taken ? ps.found == 0 : ps.found > 0 || a != enough);
	if (taken)
		judge_document(enough, &d, properties);
	else if (ps.found)
		judge_problems(a, &ps);
	if (declaration_read(a, kind, v, workspace(), &among, &d))
		must(taken || a != enough);
	must(among.found >= ps.found || a != enough);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena enough, little;
	if (size < 1)
		return 0;
	struct str text = { (const char *)data + 1, size - 1 };
	struct str declaration = str_head(text, str_find(text, '\0'));
	struct str rest = str_from(text, MIN(declaration.n + 1, text.n));
	arena_init(&enough, MEMORY_MAX, NULL);
	arena_init(&little, (size_t)(data[0] >> 1) * 1024, NULL);
	yyjson_val *properties = parsed(&enough, rest) ?: parsed(&enough, STR("{\"total\":7}"));
	declare(data[0] >> 1 ? &little : &enough, &enough,
		data[0] & 1 ? DOCUMENT_AUTOMATION : DOCUMENT_DESTINATION, declaration, properties);
	arena_fini(&little);
	arena_fini(&enough);
	return 0;
}
