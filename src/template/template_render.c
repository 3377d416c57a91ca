#include "base/fail.h"
#include "template/template_parts.h"

#include <errno.h>

/* A section that we are in. */
struct frame {
	const struct frame *outer;
	yyjson_val *value;
	bool of_list;
	size_t i, n; /* which item of how many */
};

struct render {
	const struct template *t;
	const struct template_data *data;
	struct buf out, scratch;
	unsigned steps;      /* left */
	const char *stopped; /* why; NULL: it goes on */
	size_t at;           /* the part that we are at, or were when stopped */
	size_t wanted;       /* a byte of what is made, whose origin is asked for */
	size_t origin;       /* and where it comes from, once it is there */
};

static void stop(struct render *r, const char *why)
{
	if (!r->stopped)
		r->stopped = why;
}

static void count_steps(struct render *r, size_t n)
{
	if (n > r->steps)
		return stop(r, "it takes too long");
	r->steps -= (unsigned)n;
}

/* --- Names --- */

static yyjson_val *member(struct render *r, yyjson_val *v, struct str name)
{
	count_steps(r, 1 + yyjson_obj_size(v));
	return r->stopped ? NULL : json_get(v, name);
}

static yyjson_val *walk(struct render *r, yyjson_val *v, struct str path)
{
	while (v && path.n > 0) {
		yyjson_val *whole = member(r, v, path);
		size_t dot = str_find(path, '.');
		if (whole || dot == path.n)
			return whole;
		v = member(r, v, str_head(path, dot));
		path = str_from(path, dot + 1);
	}
	return v;
}

/* The first part decides whose name it is, wherever it then leads. */
static bool begins_at(struct render *r, yyjson_val *v, struct str name)
{
	size_t dot = str_find(name, '.');
	return member(r, v, name) || (dot < name.n && member(r, v, str_head(name, dot)));
}

static yyjson_val *find_in(struct render *r, const struct template_name *of, struct str path)
{
	yyjson_val *v = NULL;
	for (unsigned i = 0; i < TEMPLATE_VALUES_MAX && !v; i++)
		v = walk(r, of->values[i], path);
	return v;
}

static yyjson_val *find_outermost(struct render *r, struct str name)
{
	size_t dot = str_find(name, '.');
	struct str first = str_head(name, dot), rest = str_from(name, MIN(dot + 1, name.n));
	for (unsigned i = 0; i < r->data->n_names; i++)
		if (str_eq(r->data->names[i].name, first))
			return find_in(r, &r->data->names[i], rest);
	return NULL;
}

static yyjson_val *boolean(bool b)
{
	static yyjson_val no = { .tag = YYJSON_TYPE_BOOL | YYJSON_SUBTYPE_FALSE },
			  yes = { .tag = YYJSON_TYPE_BOOL | YYJSON_SUBTYPE_TRUE };
	return b ? &yes : &no;
}

static yyjson_val *is_edge(const struct frame *f, bool last)
{
	while (f && !f->of_list)
		f = f->outer;
	return boolean(!f || (last ? f->i + 1 == f->n : f->i == 0));
}

static yyjson_val *find(struct render *r, const struct frame *in, struct str name)
{
	yyjson_val *v;
	if (str_eq(name, STR(".")))
		return in ? in->value : r->data->otherwise;
	if (str_eq(name, STR("-first")) || str_eq(name, STR("-last")))
		return is_edge(in, name.n == strlen("-last"));
	for (const struct frame *f = in; f; f = f->outer)
		if (begins_at(r, f->value, name))
			return walk(r, f->value, name) ?: r->data->otherwise;
	v = find_outermost(r, name);
	return v ?: r->data->otherwise;
}

static bool says_something(yyjson_val *v)
{
	if (!v || yyjson_is_null(v) || yyjson_is_false(v))
		return false;
	return !(yyjson_is_arr(v) && yyjson_arr_size(v) == 0) &&
	       !(yyjson_is_str(v) && yyjson_get_len(v) == 0);
}

/* --- Values --- */

static void put_text(struct render *r, yyjson_val *v)
{
	if (!v || yyjson_is_null(v))
		return;
	if (yyjson_is_str(v))
		return buf_json_text(&r->out, json_str(v));
	r->scratch.n = 0;
	json_put(&r->scratch, v);
	r->out.failed |= r->scratch.failed;
	buf_json_text(&r->out, buf_str(&r->scratch));
}

/* --- Parts --- */

static void run(struct render *r, unsigned from, unsigned end, const struct frame *in);

static void run_in(struct render *r, const struct template_part *p, const struct frame *in)
{
	run(r, (unsigned)(p - r->t->parts) + 1, p->end, in);
}

static void run_list(struct render *r, const struct template_part *p, yyjson_val *list,
		     const struct frame *outer)
{
	size_t i, n;
	yyjson_val *v;
	yyjson_arr_foreach (list, i, n, v) {
		const struct frame f = { outer, v, true, i, n };
		count_steps(r, 1);
		if (r->stopped)
			return;
		run_in(r, p, &f);
	}
}

/* All that the name leads to is in front, the first foremost. */
static void run_name(struct render *r, const struct template_part *p,
		     const struct template_name *of, const struct frame *outer)
{
	struct frame f[TEMPLATE_VALUES_MAX];
	for (unsigned i = TEMPLATE_VALUES_MAX; i-- > 0;) {
		if (!of->values[i])
			continue;
		f[i] = (struct frame){ .outer = outer, .value = of->values[i] };
		outer = &f[i];
	}
	run_in(r, p, outer);
}

static const struct template_name *name_of(const struct render *r, const yyjson_val *v)
{
	for (unsigned i = 0; i < r->data->n_names; i++)
		if (r->data->names[i].values[0] == v)
			return &r->data->names[i];
	return NULL;
}

static void run_section(struct render *r, const struct template_part *p, yyjson_val *v,
			const struct frame *outer)
{
	const struct template_name *name = name_of(r, v);
	const struct frame f = { .outer = outer, .value = v };
	if (yyjson_is_arr(v))
		run_list(r, p, v, outer);
	else if (name)
		run_name(r, p, name, outer);
	else
		run_in(r, p, &f);
}

static void run_part(struct render *r, const struct template_part *p, const struct frame *in)
{
	yyjson_val *v = p->kind == PART_TEXT ? NULL : find(r, in, p->text);
	switch (p->kind) {
	case PART_TEXT:
		return buf_put(&r->out, p->text);
	case PART_VALUE:
		return put_text(r, v);
	case PART_RAW:
		return json_put(&r->out, v);
	case PART_SECTION:
		if (says_something(v))
			run_section(r, p, v, in);
		return;
	case PART_INVERTED:
		if (!says_something(v))
			run_in(r, p, in);
		return;
	}
}

/* What it has made; of a section its parts have told. */
static void account(struct render *r, const struct template_part *p, size_t before)
{
	bool is_section = p->kind == PART_SECTION || p->kind == PART_INVERTED;
	if (is_section)
		return;
	count_steps(r, (r->out.n - before) / 2);
	if (before <= r->wanted && r->wanted < r->out.n)
		r->origin = p->at + (p->kind == PART_TEXT ? r->wanted - before : 0);
}

static void run(struct render *r, unsigned from, unsigned end, const struct frame *in)
{
	for (unsigned i = from; i < end && !r->stopped; i = r->t->parts[i].end) {
		const struct template_part *p = &r->t->parts[i];
		size_t before = r->out.n;
		r->at = p->at;
		count_steps(r, 1);
		run_part(r, p, in);
		account(r, p, before);
		if (r->out.n > TEMPLATE_OUTPUT_MAX)
			stop(r, "it makes more than 1 MiB");
		if (r->out.failed)
			stop(r, "it needs too much memory");
	}
}

/* --- All --- */

/* Which byte of the template made that byte of the text. */
static size_t origin_of(struct render *r, size_t at)
{
	r->out.n = 0;
	r->steps = TEMPLATE_STEPS_MAX;
	r->wanted = at;
	r->origin = r->t->text.n;
	run(r, 0, r->t->n_parts, NULL);
	return r->origin;
}

static int refuse(struct render *r, int outcome, const char *what, size_t at,
		  struct template_error *err)
{
	const struct arena *a = r->out.arena;
	if (outcome == TEMPLATE_TOO_MUCH && r->out.failed && !a->full)
		return fail(-ENOMEM, "what a template makes");
	*err = (struct template_error){ what, at };
	return outcome;
}

/* It is parsed to be sure, and so that what goes out is one line and has no member twice. */
static int make_compact(struct render *r, struct str *json, struct template_error *err)
{
	struct json_error e;
	struct buf b = buf_in(r->out.arena);
	yyjson_val *v = NULL;
	enum json_outcome o = json_parse(b.arena, buf_str(&r->out), &v, &e);
	if (o == JSON_MALFORMED)
		return refuse(r, TEMPLATE_WRONG, e.what, origin_of(r, e.at), err);
	if (o == JSON_TOO_DEEP)
		return refuse(r, TEMPLATE_WRONG, "it is nested too deep", 0, err);
	if (o == JSON_OK)
		json_put(&b, v);
	r->out.failed = o != JSON_OK || b.failed;
	*json = buf_str(&b);
	return r->out.failed ? refuse(r, TEMPLATE_TOO_MUCH, "it needs too much memory", 0, err) : 0;
}

int template_render(const struct template *t, struct arena *a, const struct template_data *data,
		    struct str *json, struct template_error *err)
{
	struct render r = {
		.t = t,
		.data = data,
		.out = buf_in(a),
		.scratch = buf_in(a),
		.steps = data->steps ? *data->steps : TEMPLATE_STEPS_MAX,
		.wanted = SIZE_MAX,
	};
	run(&r, 0, t->n_parts, NULL);
	if (data->steps)
		*data->steps = r.steps;
	if (r.stopped)
		return refuse(&r, TEMPLATE_TOO_MUCH, r.stopped, r.at, err);
	return make_compact(&r, json, err);
}
