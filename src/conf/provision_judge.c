#include "conf/provision_judge.h"

#include "base/fail.h"
#include "model/spec.h"

#include <errno.h>

int judge_copy(struct judge *j, const char *text, struct str *out)
{
	*out = arena_str(j->out, str_of(text ?: ""));
	return out->p ? 0 : fail(-ENOMEM, "provisioning");
}

int judge_place(struct judge *j, const struct yaml_place *at, struct str *out)
{
	struct buf path = buf_in(&j->scratch);
	yaml_path_put(&path, at);
	*out = arena_printf(j->out, "%s:%u: " STR_FMT, j->doc->file, yaml_line(at),
			    STR_ARG(buf_str(&path)));
	return path.failed || !out->p ? fail(-ENOMEM, "provisioning") : 0;
}

int judge_name(struct judge *j, const struct yaml_place *at, const char *text, struct str *out)
{
	struct str name = str_of(text);
	size_t points = str_code_points(name);
	if (str_is_blank(name))
		return yaml_wrong(j->doc, at, "must not be blank");
	const char *why = spec_name_rule(name);
	if (why)
		return yaml_wrong(j->doc, at, "is not a valid name: %s", why);
	if (points > DEFINITION_NAME_MAX)
		return yaml_wrong(j->doc, at, "must be at most %d characters long, not %zu",
				  DEFINITION_NAME_MAX, points);
	return judge_copy(j, text, out);
}

int judge_uuid(struct judge *j, const struct yaml_place *at, const char *text, struct uuid *out)
{
	if (uuid_parse(str_of(text), out))
		return 0;
	return yaml_wrong(j->doc, at, "must be a UUID, not \"%s\"", text);
}

int judge_unique(struct judge *j, const struct yaml_place *at, struct seen *seen, struct str word)
{
	unsigned first = 0;
	int r = seen_add(seen, word, yaml_line(at), &first);
	if (r == SEEN_BEFORE)
		return yaml_wrong(j->doc, at, "must be unique, but line %u has the same", first);
	return r;
}

int judge_choice_wrong(struct judge *j, const struct yaml_place *at, const char *got,
		       const char *(*name)(unsigned), unsigned n)
{
	char words[400];
	struct buf b = buf_over(words, sizeof(words));
	for (unsigned i = 0; i < n; i++)
		if (name(i))
			buf_printf(&b, "%s%s", b.n ? ", " : "", name(i));
	return yaml_wrong(j->doc, at, "must be one of %.*s, not \"%.*s\"", (int)b.n, b.p,
			  YAML_NAMES_SHOWN, got);
}
