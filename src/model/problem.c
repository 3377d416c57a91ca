#include "model/problem.h"

#include <stdio.h>

void problem_add(struct problems *ps, struct problem p)
{
	must(p.code != PROBLEM_NONE);
	if (ps->n < PROBLEMS_MAX)
		ps->list[ps->n++] = p;
	ps->found++;
}

/* Not printf: a name may hold U+0000. */
static struct str join(struct arena *a, struct str parent, struct str sep, struct str name)
{
	size_t n = parent.n + sep.n + name.n;
	char *p = arena_alloc(a, n);
	if (!p)
		return parent;
	char *at = mempcpy(p, parent.p, parent.n);
	at = mempcpy(at, sep.p, sep.n);
	if (name.n)
		memcpy(at, name.p, name.n);
	return (struct str){ p, n };
}

struct str problem_path(struct arena *a, struct str parent, struct str name)
{
	return parent.n == 0 ? name : join(a, parent, STR("."), name);
}

struct str problem_index(struct arena *a, struct str parent, size_t i)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "[%zu]", i);
	return join(a, parent, STR(""), (struct str){ text, (size_t)n });
}

/*
 * How a rule is called in a sentence where "a" or "an" in front of it would not do, and the JSON
 * type that carries it: to someone who sent a string for a date, "not a string" says nothing.
 */
struct noun {
	const char *rule, *text, *carrier;
};

static const struct noun nouns[] = {
	{ "integer", "a whole number of at most 64 bits", "number" },
	{ "date", "a date", "string" },
	{ "datetime", "a date and time", "string" },
	{ "email", "an e-mail address", "string" },
	{ "url", "an http or https URL", "string" },
	{ "uuid", "a UUID", "string" },
	{ "null", "null", NULL },
	{ "nothing", "nothing", NULL },
};

static const struct noun *noun_of(const char *rule)
{
	for (size_t i = 0; i < ARRAY_LEN(nouns); i++)
		if (strcmp(nouns[i].rule, rule) == 0)
			return &nouns[i];
	return NULL;
}

static void put_noun(struct buf *b, const char *rule)
{
	const struct noun *noun = noun_of(rule);
	if (noun)
		return buf_put(b, str_of(noun->text));
	buf_put(b, *rule && strchr("aeiouAEIO", *rule) ? STR("an ") : STR("a "));
	buf_put(b, str_of(rule));
}

static void put_must_be(struct buf *b, const struct problem *p)
{
	const char *rule = p->rule ? p->rule : "valid value";
	const struct noun *noun = noun_of(rule);
	bool same = p->actual && noun && noun->carrier && strcmp(noun->carrier, p->actual) == 0;
	buf_lit(b, "must be ");
	put_noun(b, rule);
	if (p->actual && !same) {
		buf_lit(b, ", not ");
		put_noun(b, p->actual);
	}
}

/* "may have at most 100 members, not 101" */
static void put_at_most(struct buf *b, const struct problem *p, const char *what)
{
	if (p->limit == 0)
		return buf_printf(b, "may not have so many %s", what);
	buf_printf(b, "may have at most %lld %s", (long long)p->limit, what);
	if (p->size != 0)
		buf_printf(b, ", not %lld", (long long)p->size);
}

static void put_nested(struct buf *b, const struct problem *p)
{
	if (p->limit != 0)
		return buf_printf(b, "may be nested at most %lld levels deep", (long long)p->limit);
	buf_lit(b, "must be a plain value");
	if (p->actual) {
		buf_lit(b, ", not ");
		put_noun(b, p->actual);
	}
}

static void put_name(struct buf *b, const struct problem *p)
{
	buf_lit(b, "is not a valid name");
	if (p->rule)
		buf_printf(b, ": %s", p->rule);
}

static void put_value(struct buf *b, const struct problem *p)
{
	if (p->rule)
		buf_printf(b, "must be one of: %s", p->rule);
	else
		buf_lit(b, "is not one of the values that are allowed");
}

static void put_full(struct buf *b, const struct problem *p, const char *of_what)
{
	if (p->limit == 0) /* remembered by its code alone */
		return buf_printf(b, "may not go beyond the number of %s", of_what);
	buf_printf(b, "may not go beyond the %lld %s", (long long)p->limit, of_what);
}

static void put_template(struct buf *b, const struct problem *p)
{
	buf_lit(b, "cannot be a template");
	if (p->rule)
		buf_printf(b, ": %s, at byte %lld", p->rule, (long long)p->size);
}

void problem_put_rule(struct buf *b, const struct problem *p)
{
	switch (p->code) {
	case PROBLEM_NONE:
		return;
	case PROBLEM_REQUIRED:
		return buf_lit(b, "is required");
	case PROBLEM_TYPE:
	case PROBLEM_FORMAT:
	case PROBLEM_FIELD_TYPE:
		return put_must_be(b, p);
	case PROBLEM_EMPTY:
		return buf_lit(b, "must not be empty");
	case PROBLEM_TOO_LONG:
		return put_at_most(b, p, "characters");
	case PROBLEM_TOO_MANY:
		return put_at_most(b, p, p->rule ? p->rule : "members");
	case PROBLEM_UNKNOWN_MEMBER:
		return buf_lit(b, "is not a member that is known here");
	case PROBLEM_NAME:
		return put_name(b, p);
	case PROBLEM_VALUE:
		return put_value(b, p);
	case PROBLEM_NESTED:
		return put_nested(b, p);
	case PROBLEM_ALTERNATIVES:
		return buf_printf(b, "must have one of: %s", p->rule ? p->rule : "its members");
	case PROBLEM_CLASH:
		return buf_printf(b, "may not stand together with %s",
				  p->rule ? p->rule : "the others");
	case PROBLEM_UNKNOWN_WORKSPACE:
		return buf_lit(b, "names no known workspace");
	case PROBLEM_UNKNOWN_DEFINITION:
		return buf_lit(b, "names no event type that is defined");
	case PROBLEM_UNKNOWN_FIELD:
		return buf_lit(b, "is not a field that is defined");
	case PROBLEM_UNKNOWN_CONTACT:
		return buf_lit(b, "names no known contact");
	case PROBLEM_EXISTS:
		return buf_lit(b, "is there already");
	case PROBLEM_TAKEN:
		return buf_lit(b, "belongs to another contact");
	case PROBLEM_CONTACT_FULL:
		return put_full(b, p,
				p->rule ? p->rule : "attributes or identities of one contact");
	case PROBLEM_DEFINITIONS_FULL:
		return put_full(b, p,
				"event types, fields of one event type, or bytes of all of them");
	case PROBLEM_CONTACT_FIELDS_FULL:
		return put_full(b, p, "custom fields that contacts may have");
	case PROBLEM_WORKSPACES_FULL:
		return put_full(b, p, "workspaces, or keys, that there can be");
	case PROBLEM_KEYS_FULL:
		return put_full(b, p,
				"bytes that names and origins of keys may take, of which a"
				" workspace gets a fair share");
	case PROBLEM_UNKNOWN_DOCUMENT:
		return buf_printf(b, "names no %s that is there", p->rule);
	case PROBLEM_DOCUMENTS_FULL:
		return buf_printf(b, "may not go beyond the %lld %ss of a workspace",
				  (long long)p->limit, p->rule);
	case PROBLEM_IN_USE:
		return buf_lit(b, "is an automation that sends to it");
	case PROBLEM_CHANGED:
		return buf_lit(b, "has been changed by another in the meantime");
	case PROBLEM_TEMPLATE:
		return put_template(b, p);
	}
}

void problem_put_english(struct buf *b, const struct problem *p)
{
	/* What a request names may stand in its URL; its shape is that of the body. */
	bool of_body = p->code < PROBLEM_UNKNOWN_WORKSPACE;
	if (p->path.n)
		buf_put(b, p->path);
	else
		buf_put(b, of_body ? STR("The body") : STR("The request"));
	buf_char(b, ' ');
	problem_put_rule(b, p);
}
