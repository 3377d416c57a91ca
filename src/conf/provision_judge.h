/*
 * The parts of provision_file: each turns one kind of thing from what libcyaml loaded into what the
 * store takes, and judges what the schema cannot say. `at` is where the thing stands in the file.
 * All return 0, YAML_WRONG with the error line written, or a failure.
 */
#pragma once

#include "conf/provision_schema.h"
#include "conf/seen.h"
#include "conf/yaml_doc.h"
#include "store/provision.h"

struct judge {
	struct yaml_doc *doc;
	struct arena *out;                                  /* holds what the provision points to */
	struct arena scratch;                               /* until the file is read */
	struct seen workspaces, secrets, clients, contacts; /* unique in the whole file */
	struct seen switches, fields, definitions, identities; /* unique in the workspace */
};

/* Values */
MUST_CHECK int judge_copy(struct judge *j, const char *text, struct str *out); /* NULL: empty */
/* "FILE:9: workspaces[0].keys[1]" */
MUST_CHECK int judge_place(struct judge *j, const struct yaml_place *at, struct str *out);
MUST_CHECK int judge_name(struct judge *j, const struct yaml_place *at, const char *text,
			  struct str *out);
MUST_CHECK int judge_uuid(struct judge *j, const struct yaml_place *at, const char *text,
			  struct uuid *out);
/* `word` must last as long as the judge. */
MUST_CHECK int judge_unique(struct judge *j, const struct yaml_place *at, struct seen *seen,
			    struct str word);
/* "must be one of a, b, c, not x"; name(i) is the i-th word, NULL for a gap, for i < n. */
MUST_CHECK int judge_choice_wrong(struct judge *j, const struct yaml_place *at, const char *got,
				  const char *(*name)(unsigned), unsigned n);

/* Things */
MUST_CHECK int judge_contact_fields(struct judge *j, const struct yaml_place *workspace,
				    struct provision_workspace *out);
MUST_CHECK int judge_switches(struct judge *j, const struct yaml_place *workspace,
			      struct provision_workspace *out);
MUST_CHECK int judge_keys(struct judge *j, const struct yaml_place *workspace,
			  const struct file_workspace *in, struct provision_workspace *out);
MUST_CHECK int judge_clients(struct judge *j, const struct yaml_place *workspace,
			     const struct file_workspace *in, struct provision_workspace *out);
MUST_CHECK int judge_definitions(struct judge *j, const struct yaml_place *workspace,
				 const struct file_workspace *in, struct provision_workspace *out);
MUST_CHECK int judge_documents(struct judge *j, const struct yaml_place *workspace,
			       struct provision_workspace *out);
MUST_CHECK int judge_contacts(struct judge *j, const struct yaml_place *workspace,
			      const struct file_workspace *in, struct provision_workspace *out);
