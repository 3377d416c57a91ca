#include "dialect/switches.h"

#define NO_OR_YES                                   \
	{                                           \
		STR_INIT("false"), STR_INIT("true") \
	}

const struct switch_info switches[SWITCHES_END] = {
	[SWITCH_STRICT_50] = {
		STR_INIT("strict_50"), "Pristo", "1", NO_OR_YES,
		"Values of custom fields, the contact's and the event's, may have 50 characters, as "
		"the vendor's prose says, instead of the 255 of its schema.",
	},
	[SWITCH_CONTACT_ID_ANY_STRING] = {
		STR_INIT("contact_id_any_string"), "Pristo", "2", NO_OR_YES,
		"`contact.id` may be any string of 1 to 255 characters, for populations that were "
		"imported with ids of their own, instead of a UUID only. One that is a UUID is still "
		"compared in lower case, any other one letter by letter.",
	},
	[SWITCH_AUTO_DEFINE_EVENT_TYPES] = {
		STR_INIT("auto_define_event_types"), "Pristo", "10", NO_OR_YES,
		"The first event of a `type` that is not defined defines it, with no fields, instead "
		"of being refused with `EVENT_TYPE_NOT_FOUND`.",
	},
	[SWITCH_UNREACHABLE_CONTACTS] = {
		STR_INIT("unreachable_contacts"), "Pristo", "3.2", NO_OR_YES,
		"`POST /v1/populations/{populationId}/contacts` also makes a contact that has neither "
		"e-mail nor phone, instead of refusing it with `CONTACT_NOT_REACHABLE`. "
		"Events make none in either position.",
	},
	[SWITCH_EVENT_ANSWER] = {
		STR_INIT("event_answer"), "Pristo", "3",
		{ STR_INIT("generation_c"), STR_INIT("generation_b") },
		"What a stored event is answered: the five members `ok`, `status`, `statusText`, "
		"`body`, `raw` of the current pages, or the `eventId` and `receivedAt` of those before "
		"them. It holds for all keys of the workspace.",
	},
	[SWITCH_OLDER_GENERATION] = {
		STR_INIT("older_generation"), "Pristo", "26", NO_OR_YES,
		"The calls of the first generation are served: `events`, `contacts:upsert`, "
		"`contacts:activation` and `contacts:unsubscribe` under `/v1/populations/{populationId}/`, "
		"instead of being answered 404. See [dialects/pristo.md](dialects/pristo.md).",
	},
	[SWITCH_ERROR_NAMES] = {
		STR_INIT("error_names"), "Arsel", "1", { STR_INIT("general"), STR_INIT("specific") },
		"The `name` of an error: `bad_request`, `not_found`, `validation_error`, or the newer "
		"narrower ones (`contact_required`, `contact_ambiguous`, `event_not_found`, "
		"`schema_mismatch` and so on) that a batch's items have in either position. The "
		"statuses are the same.",
	},
	[SWITCH_NULL_REMOVES_BUILT_IN] = {
		STR_INIT("null_removes_built_in"), "Omnisend", "20", NO_OR_YES,
		"`null` for a built-in property of a contact (`firstName`, `city` and so on) removes "
		"it, instead of leaving it as it is. Identifiers, `tags`, `consents`, `optIns` and "
		"`optOuts` stay in either position.",
	},
	[SWITCH_EMPTY_DEFINITION_LIST] = {
		STR_INIT("empty_definition_list"), "Infobip", "40", NO_OR_YES,
		"A list of event definitions that has nothing in it is answered 200 and `[]`, instead "
		"of 404.",
	},
};

enum switch_no switch_find(struct str name)
{
	for (unsigned i = SWITCH_NONE + 1; i < SWITCHES_END; i++)
		if (str_eq(switches[i].name, name))
			return (enum switch_no)i;
	return SWITCH_NONE;
}

const struct str *switch_parse(enum switch_no no, struct str value)
{
	const struct str *values = switches[no].values;
	for (unsigned i = 0; i < SWITCH_VALUES_MAX && values[i].p; i++)
		if (str_eq(values[i], value))
			return &values[i];
	return NULL;
}

unsigned switch_value(const struct workspace *w, enum switch_no no)
{
	struct str set = workspace_switch(w, switches[no].name);
	const struct str *value = set.p ? switch_parse(no, set) : NULL;
	return value ? (unsigned)(value - switches[no].values) : 0;
}

bool switch_on_anywhere(const struct catalog *c, enum switch_no no)
{
	for (unsigned i = 0; i < c->n_workspaces; i++)
		if (switch_on(c->workspaces[i], no))
			return true;
	return false;
}

static void put_values(struct buf *b, const struct switch_info *info)
{
	for (unsigned i = 0; i < SWITCH_VALUES_MAX && info->values[i].p; i++) {
		buf_put(b, i ? STR(", `") : STR("`"));
		buf_put(b, info->values[i]);
		buf_char(b, '`');
	}
}

static void put_row(struct buf *b, const struct switch_info *info)
{
	buf_lit(b, "| `");
	buf_put(b, info->name);
	buf_printf(b, "` | %s | ", info->dialect);
	put_values(b, info);
	buf_printf(b, " | %s | %s |\n", info->meaning, info->decision);
}

static const char introduction[] =
	"# Switches\n"
	"\n"
	"Where a vendor's documents leave a choice, a workspace may take the other one: in\n"
	"the [provisioning file](provisioning.md), under `switches` of the workspace, or\n"
	"while the server runs by `PATCH /_/v1/workspaces/{id}`. The first of the values is\n"
	"the default. A switch that the file does not name stays as it was set before; name\n"
	"it with its default to take it back. The last column is the number that the choice\n"
	"has in the comments of the dialect's source.\n"
	"\n"
	"This page is what `occurd switches` prints.\n"
	"\n"
	"| switch | dialect | values | meaning | decision |\n"
	"|---|---|---|---|---|\n";

void switches_put(struct buf *b)
{
	buf_put(b, str_of(introduction));
	for (unsigned i = SWITCH_NONE + 1; i < SWITCHES_END; i++)
		put_row(b, &switches[i]);
}
