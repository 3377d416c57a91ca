#include "model/automation.h"

#include "base/fail.h"

/* --- Reading --- */

enum {
	NAME,
	PAUSED,
	TRIGGER,
	CONDITIONS,
	DELAY,
	ONCE,
	COOLDOWN,
	ACTION_LIST,
	N_MEMBERS,
};

static const struct spec_member members[N_MEMBERS] = {
	[NAME] = { STR_INIT("name"), SPEC_STRING, true, 1, AUTOMATION_NAME_MAX },
	[PAUSED] = { STR_INIT("paused"), SPEC_BOOLEAN },
	[TRIGGER] = { STR_INIT("trigger"), SPEC_OBJECT },
	[CONDITIONS] = { STR_INIT("conditions"), SPEC_OBJECT },
	[DELAY] = { STR_INIT("delay_seconds"), SPEC_INTEGER, false, 0, AUTOMATION_SECONDS_MAX },
	[ONCE] = { STR_INIT("once_per_contact"), SPEC_BOOLEAN },
	[COOLDOWN] = { STR_INIT("cooldown_seconds"), SPEC_INTEGER, false, 0,
		       AUTOMATION_SECONDS_MAX },
	[ACTION_LIST] = { STR_INIT("actions"), SPEC_ARRAY, true, 1, AUTOMATION_ACTIONS_MAX },
};

static const struct spec_member trigger_members[] = {
	{ STR_INIT("definitions"), SPEC_ARRAY, false, 0, AUTOMATION_DEFINITIONS_MAX },
};

static void read_definitions(struct spec *s, yyjson_val *list, struct automation *out)
{
	size_t i, n;
	yyjson_val *v;
	struct str *names = arena_array(s->arena, struct str, yyjson_arr_size(list));
	s->refused |= !names;
	if (!names)
		return;
	yyjson_arr_foreach (list, i, n, v) {
		if (yyjson_is_str(v))
			names[i] = spec_copy(s, json_str(v));
		else
			problem_at(s->problems, PROBLEM_TYPE,
				   problem_index(s->arena, STR("trigger.definitions"), i),
				   .rule = "string", .actual = json_type_name(v));
	}
	out->definitions = names;
	out->n_definitions = (unsigned)yyjson_arr_size(list);
}

static void read_actions(struct spec *s, yyjson_val *list, struct automation *out)
{
	size_t i, n;
	yyjson_val *v;
	struct action *actions = arena_array(s->arena, struct action, yyjson_arr_size(list));
	s->refused |= !actions;
	if (!actions)
		return;
	yyjson_arr_foreach (list, i, n, v) {
		struct str path = problem_index(s->arena, members[ACTION_LIST].name, i);
		action_read(s, v, path, &actions[i]);
	}
	out->actions = actions;
	out->n_actions = (unsigned)yyjson_arr_size(list);
}

static void read_members(struct spec *s, yyjson_val **v, struct automation *out)
{
	yyjson_val *definitions = NULL;
	out->name = spec_copy(s, json_str(v[NAME]));
	out->paused = spec_boolean(v[PAUSED], false);
	out->delay_s = spec_integer(v[DELAY], 0);
	out->once_per_contact = spec_boolean(v[ONCE], false);
	out->cooldown_s = spec_integer(v[COOLDOWN], 0);
	if (v[TRIGGER])
		spec_read(s, v[TRIGGER], members[TRIGGER].name, trigger_members,
			  ARRAY_LEN(trigger_members), &definitions);
	if (definitions)
		read_definitions(s, definitions, out);
	if (v[CONDITIONS] && yyjson_obj_size(v[CONDITIONS]))
		out->conditions = condition_read(s, v[CONDITIONS], members[CONDITIONS].name);
	read_actions(s, v[ACTION_LIST], out);
	if (out->once_per_contact && out->cooldown_s)
		problem_at(s->problems, PROBLEM_ALTERNATIVES, members[COOLDOWN].name,
			   .rule = "once_per_contact or cooldown_seconds");
}

bool automation_read(struct arena *a, yyjson_val *v, struct problems *ps, struct automation *out)
{
	struct spec s = { .arena = a, .problems = ps };
	unsigned before = ps->found;
	yyjson_val *values[N_MEMBERS];
	*out = (struct automation){ .no = 0 };
	spec_read(&s, v, STR(""), members, N_MEMBERS, values);
	if (ps->found == before)
		read_members(&s, values, out);
	return ps->found == before && !s.refused;
}

/* --- Judging --- */

void automation_judge(const struct automation *m, const struct workspace *w, struct arena *a,
		      struct problems *ps)
{
	struct spec s = { .arena = a, .problems = ps };
	for (unsigned i = 0; i < m->n_definitions; i++)
		if (!workspace_definition(w, m->definitions[i]))
			problem_at(ps, PROBLEM_UNKNOWN_DEFINITION,
				   problem_index(a, STR("trigger.definitions"), i));
	if (m->conditions)
		condition_judge(m->conditions, w, m->definitions, m->n_definitions, &s);
	for (unsigned i = 0; i < m->n_actions; i++)
		action_judge(&m->actions[i], w, problem_index(a, members[ACTION_LIST].name, i), &s);
}

/* --- Asking --- */

bool automation_triggers(const struct automation *m, struct str definition)
{
	for (unsigned i = 0; i < m->n_definitions; i++)
		if (str_eq(m->definitions[i], definition))
			return true;
	return m->n_definitions == 0;
}

int automation_meets(const struct automation *m, const struct facts *f, struct verdict *out)
{
	*out = (struct verdict){ .why = "trigger", .path = STR("trigger") };
	if (!automation_triggers(m, f->definition))
		return 0;
	out->why = "conditions";
	out->met = true;
	return m->conditions ? pass(condition_meets(m->conditions, f, &out->met, &out->path)) : 0;
}
