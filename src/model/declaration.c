#include "model/declaration.h"

#include "model/automation_bodies.h"
#include "model/automation_sends.h"
#include "model/body.h"
#include "model/destination.h"

/* --- Reading --- */

static bool read_destination(struct arena *a, yyjson_val *v, struct problems *ps, struct str *name)
{
	struct destination d;
	struct spec s = { .arena = a, .problems = ps };
	bool good = destination_read(a, v, ps, &d);
	unsigned before = ps->found, steps = BODY_STEPS_MAX;
	*name = d.name;
	if (good && d.body.p)
		body_judge(&s, STR("body"), d.body, NULL, 0, &steps);
	return good && ps->found == before && !s.refused;
}

static bool read_automation(struct arena *a, yyjson_val *v, const struct workspace *w,
			    struct problems *ps, struct str *name)
{
	struct automation m;
	bool good = automation_read(a, v, ps, &m);
	*name = m.name;
	unsigned before = ps->found;
	if (good && w) {
		automation_judge(&m, w, a, ps);
		automation_judge_sends(&m, w, a, ps);
	}
	return good && automation_judge_bodies(&m, w, a, ps) && ps->found == before;
}

/* `"paused":true,`; it does not count, so that what could be saved can be switched. */
static size_t switch_size(enum document_kind kind, yyjson_val *v)
{
	yyjson_val *off = json_get(v, declaration_off(kind));
	if (!yyjson_is_bool(off))
		return 0;
	return declaration_off(kind).n + strlen("\"\":,") +
	       strlen(yyjson_is_true(off) ? "true" : "false");
}

/* Compact, and without members that are null, which count as absent. */
static bool put_body(struct arena *a, yyjson_val *v, struct problems *ps, struct document *out)
{
	out->body = document_merge(a, STR("{}"), v);
	size_t n = out->body.n - MIN(switch_size(out->kind, v), out->body.n);
	if (n > DOCUMENT_BODY_MAX)
		problem_at(ps, PROBLEM_TOO_MANY, STR(""), .rule = "bytes",
			   .limit = DOCUMENT_BODY_MAX, .size = (int64_t)n);
	return out->body.p && n <= DOCUMENT_BODY_MAX;
}

bool declaration_read(struct arena *a, enum document_kind kind, yyjson_val *v,
		      const struct workspace *w, struct problems *ps, struct document *out)
{
	unsigned before = ps->found;
	*out = (struct document){ .kind = kind };
	bool good = kind == DOCUMENT_DESTINATION ? read_destination(a, v, ps, &out->name)
						 : read_automation(a, v, w, ps, &out->name);
	if (!good)
		return false;
	spec_judge_name(ps, STR("name"), out->name);
	return ps->found == before && put_body(a, v, ps, out);
}

/* --- Switching off --- */

struct str declaration_off(enum document_kind kind)
{
	return kind == DOCUMENT_DESTINATION ? STR("disabled") : STR("paused");
}

bool declaration_is_off(struct arena *a, const struct document *d)
{
	yyjson_val *v;
	return json_parse(a, d->body, &v, NULL) == JSON_OK &&
	       yyjson_is_true(json_get(v, declaration_off(d->kind)));
}

struct str declaration_switch(struct arena *a, const struct document *d, bool off)
{
	struct str text = arena_printf(a, "{\"" STR_FMT "\":%s}", STR_ARG(declaration_off(d->kind)),
				       off ? "true" : "false");
	yyjson_val *patch;
	if (!text.p || json_parse(a, text, &patch, NULL) != JSON_OK)
		return (struct str){ 0 };
	return document_merge(a, d->body, patch);
}
