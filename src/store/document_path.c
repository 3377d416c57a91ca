/* Files that destinations write, in one space of names for all workspaces. */
#include "base/fail.h"
#include "store/state.h"

#include <errno.h>

/* .n 0: it writes no file. */
static enum json_outcome read_path(struct arena *a, const struct document *d, struct str *path)
{
	yyjson_val *v = NULL;
	enum json_outcome o = json_parse(a, d->body, &v, NULL);
	*path = (struct str){ 0 };
	if (o == JSON_OK && str_eq(json_str(json_get(v, STR("type"))), STR("file")))
		*path = json_str(json_get(v, STR("path")));
	return o;
}

/* One is the other, or leads through it. */
static bool meet(struct str a, struct str b)
{
	struct str longer = a.n > b.n ? a : b, shorter = a.n > b.n ? b : a;
	return str_starts(longer, shorter) && (longer.n == shorter.n || longer.p[shorter.n] == '/');
}

/* What meets it has its first name. Bodies are compact JSON of one writer, where that stands like this;
 * so only few have to be read. .p NULL: memory is refused. */
static struct str beginning_of(struct arena *a, struct str path)
{
	struct buf b = buf_in(a);
	buf_lit(&b, "\"path\":");
	buf_json_str(&b, str_head(path, str_find(path, '/')));
	return b.failed ? (struct str){ 0 } : str_head(buf_str(&b), buf_str(&b).n - 1);
}

static int look_in(struct store *s, const struct workspace *w, struct str path,
		   struct str beginning, bool *met)
{
	unsigned n;
	const struct document *list = workspace_documents_of(w, DOCUMENT_DESTINATION, &n);
	for (unsigned i = 0; i < n && !*met; i++) {
		struct str body = list[i].body, other;
		if (!memmem(body.p, body.n, beginning.p, beginning.n))
			continue;
		arena_reset(&s->scratch);
		if (read_path(&s->scratch, &list[i], &other) == JSON_NO_MEMORY)
			return fail(-ENOMEM, "destinations");
		*met = other.n > 0 && meet(path, other);
	}
	return 0;
}

int document_judge_path(struct store *s, struct arena *a, uint32_t workspace,
			const struct document *d, struct problem *out)
{
	const struct catalog *c = catalog_so_far(s);
	struct str path;
	bool met = false;
	if (read_path(a, d, &path) == JSON_NO_MEMORY)
		return STORE_REFUSED;
	if (path.n == 0)
		return STORE_OK;
	struct str beginning = beginning_of(a, path);
	int r = beginning.p ? STORE_OK : STORE_REFUSED;
	for (unsigned i = 0; i < c->n_workspaces && r == STORE_OK && !met; i++)
		if (c->workspaces[i]->no != workspace)
			r = look_in(s, c->workspaces[i], path, beginning, &met);
	if (r != STORE_OK || !met)
		return r < 0 ? pass(r) : r;
	*out = (struct problem){ .code = PROBLEM_CLASH,
				 .path = STR("path"),
				 .rule = "a file of another workspace, there or on the way" };
	return STORE_REFUSED;
}
