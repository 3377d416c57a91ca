/* What a template is made of. Private to the folder. */
#pragma once

#include "template/template.h"

enum part_kind {
	PART_TEXT,
	PART_VALUE,    /* {{x}} */
	PART_RAW,      /* {{{x}}} */
	PART_SECTION,  /* {{#x}} */
	PART_INVERTED, /* {{^x}} */
};

struct template_part {
	enum part_kind kind;
	struct str text; /* of PART_TEXT; of others the name */
	size_t at;       /* first byte in the template */
	unsigned end;    /* index behind the last part of a section; of others the next one */
};

/* Whether texts stand within quotes, values outside of them, and sections on one side. */
MUST_CHECK bool template_is_safe(const struct template *t, struct template_error *err);
