#include "template/template.h"

#include "base/fail.h"
#include "template/tags.h"
#include "template/template_parts.h"

#include <ctype.h>
#include <errno.h>

struct reading {
	struct arena *arena;
	struct str text;
	struct template_part *parts;
	unsigned n, room;
	unsigned open[TEMPLATE_DEPTH_MAX]; /* sections, the outermost first */
	unsigned depth;
	struct template_error *err;
};

static int wrong(struct template_error *err, const char *what, size_t at)
{
	*err = (struct template_error){ what, at };
	return TEMPLATE_WRONG;
}

/* --- Before the library sees it --- */

/* The library keeps the text of each section for itself, and goes down into sections as deep as they
 * nest: so tags are counted before. What could change what a tag is, is refused with them. */
static int count_tags(struct reading *r, unsigned *tags)
{
	const char *at = r->text.p, *end = r->text.p + r->text.n;
	*tags = 0;
	while (at < end && (at = memmem(at, (size_t)(end - at), "{{", 2))) {
		size_t begin = (size_t)(at - r->text.p);
		while (at < end && *at == '{')
			at++;
		while (at < end && isspace((unsigned char)*at))
			at++;
		if (at < end && *at == '=')
			return wrong(r->err, "delimiters cannot be changed", begin);
		if (++*tags > TEMPLATE_TAGS_MAX)
			return wrong(r->err, "it has more than 1000 tags", begin);
	}
	return 0;
}

/* --- Tags into parts --- */

static int stop(struct reading *r, const char *what, size_t at)
{
	wrong(r->err, what, at);
	return -EINVAL;
}

static bool goes_on(const struct template_part *p, size_t at)
{
	return p->kind == PART_TEXT && p->at + p->text.n == at;
}

/* The library gives each blank alone. */
static void take_text(struct reading *r, const struct tag *tag)
{
	struct str text = { r->text.p + tag->at, tag->n };
	if (r->n > 0 && goes_on(&r->parts[r->n - 1], tag->at)) {
		r->parts[r->n - 1].text.n += tag->n;
		return;
	}
	must(r->n < r->room);
	r->parts[r->n] = (struct template_part){ PART_TEXT, text, tag->at, r->n + 1 };
	r->n++;
}

static int take_name(struct reading *r, const struct tag *tag, enum part_kind kind)
{
	struct str name = arena_str(r->arena, (struct str){ tag->name, tag->n });
	if (!name.p)
		return -ENOMEM;
	if (name.n == 0)
		return stop(r, "a tag has no name", tag->at);
	must(r->n < r->room);
	r->parts[r->n] = (struct template_part){ kind, name, tag->at, r->n + 1 };
	r->n++;
	return 0;
}

static int open_section(struct reading *r, const struct tag *tag, enum part_kind kind)
{
	if (r->depth == TEMPLATE_DEPTH_MAX)
		return stop(r, "sections are nested too deep", tag->at);
	r->open[r->depth++] = r->n;
	return take_name(r, tag, kind);
}

static int close_section(struct reading *r)
{
	must(r->depth > 0);
	r->parts[r->open[--r->depth]].end = r->n;
	return 0;
}

static int take(void *ctx, const struct tag *tag)
{
	struct reading *r = ctx;
	switch (tag->kind) {
	case TAG_TEXT:
		take_text(r, tag);
		return 0;
	case TAG_VALUE:
		return take_name(r, tag, PART_VALUE);
	case TAG_RAW:
		return take_name(r, tag, PART_RAW);
	case TAG_SECTION:
		return open_section(r, tag, PART_SECTION);
	case TAG_INVERTED:
		return open_section(r, tag, PART_INVERTED);
	case TAG_END:
		return close_section(r);
	case TAG_PARTIAL:
		return stop(r, "there are no partials", tag->at);
	case TAG_DELIMITER:
		return stop(r, "delimiters cannot be changed", tag->at);
	}
	return 0;
}

/* --- Reading --- */

static int tell(struct reading *r, const struct tag_error *e)
{
	static const struct {
		struct str text;
		const char *what;
	} known[] = {
		{ STR_INIT("Unclosed tag"), "a tag is not closed" },
		{ STR_INIT("Unclosed section"), "a section is not closed" },
		{ STR_INIT("Unopened section"), "a section is closed that is not open" },
	};
	if (r->err->what)
		return TEMPLATE_WRONG;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_starts(str_of(e->text), known[i].text))
			return wrong(r->err, known[i].what, e->at);
	return wrong(r->err, "it cannot be read", e->at);
}

static int read_tags(struct reading *r)
{
	struct tag_error e;
	int got = tags_read(r->text.p, r->text.n, take, r, &e);
	if (got == -EINVAL)
		return tell(r, &e);
	return got < 0 ? fail(got, "a template") : 0;
}

int template_read(struct arena *a, struct str text, struct template *out,
		  struct template_error *err)
{
	struct reading r = { .arena = a, .text = text, .err = err };
	unsigned tags;
	*err = (struct template_error){ .what = NULL };
	if (text.n > TEMPLATE_TEXT_MAX)
		return wrong(err, "it is larger than 64 KiB", TEMPLATE_TEXT_MAX);
	int got = count_tags(&r, &tags);
	if (got)
		return got;
	r.room = 2 * tags + 1; /* and what is between them */
	r.parts = arena_array(a, struct template_part, r.room);
	got = r.parts ? read_tags(&r) : fail(-ENOMEM, "a template");
	*out = (struct template){ text, r.parts, r.n };
	if (got)
		return got < 0 ? pass(got) : got;
	return template_is_safe(out, err) ? 0 : TEMPLATE_WRONG;
}
