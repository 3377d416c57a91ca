#include "conf/provision_file.h"

#include "base/fail.h"
#include "conf/provision_judge.h"
#include "conf/yaml_shape.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { SCRATCH_MAX = 512 * 1024 * 1024 }; /* bytes */

static int judge_limits(struct judge *j, const struct yaml_place *at, const struct file_limits *in,
			struct provision_workspace *out)
{
	struct yaml_place limits = yaml_member(j->doc, at, "limits");
	struct yaml_place rate = yaml_member(j->doc, &limits, "requests_per_second");
	out->requests_per_second = in->requests_per_second;
	out->keep_rate = !rate.node;
	if (in->requests_per_second >= -1 && in->requests_per_second <= WORKSPACE_RATE_MAX)
		return 0;
	return yaml_wrong(j->doc, &rate,
			  "must be -1 (none), 0 (the dialect's default) or up to %d, not \"%lld\"",
			  WORKSPACE_RATE_MAX, (long long)in->requests_per_second);
}

static int judge_workspace_id(struct judge *j, const struct yaml_place *at,
			      const struct file_workspace *in, struct provision_workspace *out)
{
	struct yaml_place id = yaml_member(j->doc, at, "id");
	struct yaml_place name = yaml_member(j->doc, at, "name");
	struct str word = { (const char *)out->id.b, sizeof(out->id.b) };
	int r = judge_uuid(j, &id, in->id, &out->id);
	r = r ?: judge_unique(j, &id, &j->workspaces, word);
	out->keep_name = !name.node;
	if (r)
		return r;
	return in->name ? judge_name(j, &name, in->name, &out->name)
			: judge_copy(j, in->id, &out->name);
}

static int judge_workspace(struct judge *j, const struct yaml_place *at,
			   const struct file_workspace *in, struct provision_workspace *out)
{
	j->switches = j->fields = j->definitions = j->identities =
		(struct seen){ .arena = &j->scratch };
	int r = judge_place(j, at, &out->place);
	r = r ?: judge_workspace_id(j, at, in, out);
	r = r ?: judge_switches(j, at, out);
	r = r ?: judge_contact_fields(j, at, out);
	r = r ?: judge_keys(j, at, in, out);
	r = r ?: judge_clients(j, at, in, out);
	r = r ?: judge_definitions(j, at, in, out);
	r = r ?: judge_documents(j, at, out);
	r = r ?: judge_contacts(j, at, in, out);
	return r ?: judge_limits(j, at, &in->limits, out);
}

static int judge_all(struct judge *j, const struct provision_text *in, struct provision *out)
{
	struct yaml_place root = yaml_root(j->doc);
	struct yaml_place list = yaml_member(j->doc, &root, "workspaces");
	unsigned n = in->workspaces_count;
	struct provision_workspace *workspaces = arena_array(j->out, struct provision_workspace, n);
	int r = workspaces ? 0 : fail(-ENOMEM, "provisioning %u workspaces", n);
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct yaml_place at = yaml_item(j->doc, &list, i);
		r = judge_workspace(j, &at, &in->workspaces[i], &workspaces[i]);
	}
	*out = (struct provision){ workspaces, n, j->doc->error, j->doc->error_size };
	return r;
}

static int judge_text(struct yaml_doc *doc, const struct provision_text *in, struct arena *a,
		      struct provision *out)
{
	struct judge j = { .doc = doc, .out = a };
	arena_init(&j.scratch, SCRATCH_MAX, NULL);
	j.workspaces = j.secrets = j.clients = j.contacts = (struct seen){ .arena = &j.scratch };
	int r = judge_all(&j, in, out);
	arena_fini(&j.scratch);
	return r;
}

static int judge_shape(struct yaml_doc *doc)
{
	struct yaml_place root = yaml_root(doc);
	if (!root.node)
		return yaml_wrong(doc, &root, "is empty; workspaces is required");
	return yaml_shape_judge(doc, &root, &provision_schema);
}

/* After judge_shape() nothing is left for libcyaml to refuse. */
static int load(struct yaml_doc *doc, struct str text, struct arena *a, struct provision *out)
{
	const cyaml_config_t config = { .mem_fn = cyaml_mem, .flags = CYAML_CFG_NO_ALIAS };
	struct provision_text *in = NULL;
	cyaml_err_t e = cyaml_load_data((const uint8_t *)text.p, text.n, &config, &provision_schema,
					(cyaml_data_t **)&in, NULL);
	if (e != CYAML_OK)
		return fail(e == CYAML_ERR_OOM ? -ENOMEM : -EINVAL, "loading %s: %s", doc->file,
			    cyaml_strerror(e));
	int r = judge_text(doc, in, a, out);
	cyaml_free(&config, &provision_schema, in, 0);
	return r;
}

/* One byte more than may be is enough to know that it is too much. */
static int read_text(const char *path, char *room, struct str *text)
{
	ssize_t got = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(-errno, "opening %s", path);
	*text = (struct str){ room, 0 };
	while (got > 0 && text->n <= YAML_TEXT_MAX) {
		got = read(fd, room + text->n, YAML_TEXT_MAX + 1 - text->n);
		text->n += got > 0 ? (size_t)got : 0;
	}
	int r = got < 0 ? fail(-errno, "reading %s", path) : 0;
	close(fd);
	return r;
}

int provision_file_read(const char *path, struct arena *a, struct provision *out, char *error,
			size_t error_size)
{
	struct yaml_doc doc = { .file = path, .error = error, .error_size = error_size };
	struct str text = { 0 };
	char *room = malloc(YAML_TEXT_MAX + 1);
	if (!room)
		return fail(-ENOMEM, "reading %s", path);

	int r = read_text(path, room, &text);
	r = r ?: yaml_doc_load(&doc, text);
	r = r ?: judge_shape(&doc);
	r = r ?: load(&doc, text, a, out);
	yaml_doc_fini(&doc);
	free(room);
	return r;
}
