#include "model/body.h"

#include "base/fail.h"
#include "model/body_sample.h"
#include "template/template.h"

#include <errno.h>

/* For the largest event, its contact and what is made of them, with all of their trees. */
enum { MEMORY_MAX = 2 * JSON_MEMORY_MAX };

enum { EVENT, PROPERTIES, CONTACT, AUTOMATION, DELIVERY_ID, NAMES };

/* --- Names --- */

/* The event and the contact lie as deep here as in what was taken from a client, who may use all
 * levels that there are. */
static int parse(struct arena *a, struct str text, yyjson_val **out, const char **why)
{
	enum json_outcome o = text.p ? json_parse(a, text, out, NULL) : JSON_NO_MEMORY;
	if (o == JSON_OK)
		return 0;
	*why = o == JSON_NO_MEMORY  ? "what it is about is too large"
	       : o == JSON_TOO_DEEP ? "what it is about is nested too deep"
				    : "what it is about is not JSON";
	return o == JSON_NO_MEMORY && !a->full ? fail(-ENOMEM, "what a body is about") : BODY_WRONG;
}

static int parse_text(struct arena *a, struct str text, yyjson_val **out, const char **why)
{
	struct buf b = buf_in(a);
	buf_json_str(&b, text);
	return parse(a, b.failed ? (struct str){ 0 } : buf_str(&b), out, why);
}

/* {"email":"..."}: by kind, of each the first, which is why the last is written first. */
static int parse_identities(struct arena *a, yyjson_val *list, yyjson_val **out, const char **why)
{
	struct buf b = buf_in(a);
	buf_lit(&b, "{");
	for (size_t i = yyjson_arr_size(list); i-- > 0;) {
		const yyjson_val *one = yyjson_arr_get(list, i);
		json_put(&b, json_get((yyjson_val *)one, STR("kind")));
		buf_char(&b, ':');
		json_put(&b, json_get((yyjson_val *)one, STR("value")));
		if (i > 0)
			buf_char(&b, ',');
	}
	buf_char(&b, '}');
	return parse(a, b.failed ? (struct str){ 0 } : buf_str(&b), out, why);
}

static int read_names(struct arena *a, const struct body *of, struct template_name names[NAMES],
		      const char **why)
{
	yyjson_val *event, *contact, *identities, *automation, *delivery_id;
	int r = parse(a, of->event, &event, why);
	r = r ?: parse(a, of->contact, &contact, why);
	r = r ?: parse_identities(a, json_get(contact, STR("identities")), &identities, why);
	r = r ?: parse_text(a, of->automation, &automation, why);
	r = r ?: parse_text(a, of->delivery_id, &delivery_id, why);
	if (r)
		return r;
	names[EVENT] = (struct template_name){ STR("event"), { event } };
	names[PROPERTIES] =
		(struct template_name){ STR("properties"), { json_get(event, STR("properties")) } };
	names[CONTACT] = (struct template_name){
		STR("contact"), { contact, json_get(contact, STR("attributes")), identities }
	};
	names[AUTOMATION] = (struct template_name){ STR("automation"), { automation } };
	names[DELIVERY_ID] = (struct template_name){ STR("delivery_id"), { delivery_id } };
	return 0;
}

/* --- Making --- */

static int render(const struct template *t, struct arena *a, const struct body *of,
		  yyjson_val *otherwise, unsigned *steps, struct str *json,
		  struct template_error *err)
{
	struct template_name names[NAMES];
	const struct template_data data = { names, NAMES, otherwise, steps };
	*err = (struct template_error){ 0 };
	int r = read_names(a, of, names, &err->what);
	if (r == BODY_WRONG)
		return TEMPLATE_TOO_MUCH;
	return r < 0 ? pass(r) : template_render(t, a, &data, json, err);
}

static int explain(struct arena *a, const char *prefix, const struct template_error *err,
		   const char **why)
{
	struct str text =
		arena_printf(a, "%s: %s at byte %zu of the template", prefix, err->what, err->at);
	*why = text.p;
	return text.p ? BODY_WRONG : fail(-ENOMEM, "what a body says");
}

static int make(struct arena *a, struct arena *work, struct str text, const struct body *of,
		struct str *json, const char **why)
{
	struct template t;
	struct template_error err;
	int r = template_read(work, text, &t, &err);
	if (r == TEMPLATE_WRONG)
		return explain(a, "the body is no template", &err, why);
	r = r ?: render(&t, work, of, NULL, NULL, json, &err);
	if (r == TEMPLATE_WRONG)
		return explain(a, "the body is not JSON", &err, why);
	if (r == TEMPLATE_TOO_MUCH)
		return explain(a, "the body cannot be made", &err, why);
	if (r < 0)
		return pass(r);
	*json = arena_str(a, *json);
	return json->p ? 0 : fail(-ENOMEM, "what a body says");
}

int body_make(struct arena *a, struct str text, const struct body *of, struct str *json,
	      const char **why)
{
	struct arena work;
	arena_init(&work, MEMORY_MAX, NULL);
	int r = make(a, &work, text, of, json, why);
	arena_fini(&work);
	return r;
}

/* --- Judging --- */

struct judge {
	struct spec *spec;
	struct str path;
	struct template template;
	struct arena work;
	unsigned *steps;
	bool wrong; /* one thing is enough */
};

static void refuse(struct judge *j, const char *what, const struct template_error *err)
{
	j->wrong = true;
	problem_at(j->spec->problems, PROBLEM_TEMPLATE, j->path, .rule = what,
		   .size = (int64_t)err->at);
}

/* No definition: without properties, and nothing stands for what is not there. */
static void try_sample(struct judge *j, const struct definition *d, bool full)
{
	struct body of = { .delivery_id = STR("msg_0"), .automation = STR("sample") };
	struct template_error err;
	struct str json, what;
	yyjson_val *otherwise = NULL;
	arena_reset(&j->work);
	bool made = body_sample(&j->work, d, &of.event, &of.contact) &&
		    (!full || body_sample_text(&j->work, &otherwise));
	int r = made ? render(&j->template, &j->work, &of, otherwise, j->steps, &json, &err)
		     : -ENOMEM;
	j->spec->refused |= r < 0;
	if (r <= 0)
		return;
	what = arena_printf(j->spec->arena, "%s of %s" STR_FMT ": %s",
			    r == TEMPLATE_WRONG ? "it makes no JSON" : "it cannot be made",
			    d      ? "a sample of "
			    : full ? "a sample"
				   : "an event without properties",
			    STR_ARG(d ? d->name : STR("")), err.what);
	j->spec->refused |= !what.p;
	if (what.p)
		refuse(j, what.p, &err);
}

static void judge(struct judge *j, const struct definition *const *definitions, unsigned n)
{
	try_sample(j, NULL, false);
	if (!j->wrong && n == 0)
		try_sample(j, NULL, true);
	for (unsigned i = 0; i < MIN(n, BODY_SAMPLES_MAX) && !j->wrong; i++)
		try_sample(j, definitions[i], true);
}

static bool read_template(struct judge *j, struct arena *parts, struct str text)
{
	struct template_error err;
	int r = template_read(parts, text, &j->template, &err);
	j->spec->refused |= r < 0;
	if (r > 0)
		refuse(j, err.what, &err);
	return r == 0;
}

void body_judge_template(struct spec *s, struct str path, struct str text)
{
	struct judge j = { .spec = s, .path = path };
	struct arena parts;
	arena_init(&parts, MEMORY_MAX, NULL);
	(void)read_template(&j, &parts, text);
	arena_fini(&parts);
}

void body_judge(struct spec *s, struct str path, struct str text,
		const struct definition *const *definitions, unsigned n, unsigned *steps)
{
	struct judge j = { .spec = s, .path = path, .steps = steps };
	struct arena parts;
	arena_init(&parts, MEMORY_MAX, NULL);
	arena_init(&j.work, MEMORY_MAX, NULL);
	if (read_template(&j, &parts, text))
		judge(&j, definitions, n);
	arena_fini(&j.work);
	arena_fini(&parts);
}
