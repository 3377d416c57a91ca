/*
 * Why no value can break a document: a walk over the template's own text that knows on which side of
 * a JSON string's quotes each tag stands. Text is escaped for the inside, a JSON value is whole on
 * the outside, and a section begins and ends on one side, so it does not matter how often it is
 * there.
 */
#include "template/template_parts.h"

enum side {
	OUTSIDE,
	INSIDE,
	ESCAPED, /* behind a backslash */
	HEX,     /* within the four digits of \u */
};

struct walk {
	const struct template *t;
	enum side side;
	unsigned digits; /* still to come */
	struct template_error *err;
};

static enum side behind(struct walk *w, char c)
{
	switch (w->side) {
	case OUTSIDE:
		return c == '"' ? INSIDE : OUTSIDE;
	case INSIDE:
		return c == '"' ? OUTSIDE : c == '\\' ? ESCAPED : INSIDE;
	case ESCAPED:
		w->digits = 4;
		return c == 'u' ? HEX : INSIDE;
	case HEX:
		return --w->digits ? HEX : INSIDE;
	}
	return w->side;
}

static const char *rule_for(const struct walk *w, enum part_kind kind)
{
	if (w->side == ESCAPED || w->side == HEX)
		return "a tag stands within an escape";
	if (kind == PART_VALUE && w->side == OUTSIDE)
		return "{{...}} is text and stands between quotes; for a JSON value write "
		       "{{{...}}}";
	if (kind == PART_RAW && w->side == INSIDE)
		return "{{{...}}} is a JSON value and stands outside of quotes; for text write "
		       "{{...}}";
	return NULL;
}

static bool walk_parts(struct walk *w, unsigned from, unsigned end);

static bool walk_part(struct walk *w, unsigned i)
{
	const struct template_part *p = &w->t->parts[i];
	enum side side = w->side;
	for (size_t k = 0; p->kind == PART_TEXT && k < p->text.n; k++)
		w->side = behind(w, p->text.p[k]);
	if (p->kind == PART_TEXT)
		return true;
	w->err->at = p->at;
	w->err->what = rule_for(w, p->kind);
	if (w->err->what || p->kind == PART_VALUE || p->kind == PART_RAW)
		return !w->err->what;
	if (!walk_parts(w, i + 1, p->end))
		return false;
	if (w->side == side)
		return true;
	*w->err = (struct template_error){ "a quote is opened or closed within a section", p->at };
	return false;
}

static bool walk_parts(struct walk *w, unsigned from, unsigned end)
{
	for (unsigned i = from; i < end; i = w->t->parts[i].end)
		if (!walk_part(w, i))
			return false;
	return true;
}

bool template_is_safe(const struct template *t, struct template_error *err)
{
	struct walk w = { .t = t, .err = err };
	return walk_parts(&w, 0, t->n_parts);
}
