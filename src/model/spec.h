/*
 * Declarations in JSON (destinations, automations) read by tables: which members an object may
 * have, of which type and size. What is wrong becomes problems with paths.
 */
#pragma once

#include "base/json.h"
#include "model/problem.h"

struct spec {
	struct arena *arena; /* for paths, and for what the reader keeps */
	struct problems *problems;
	bool refused; /* memory was; whoever asked has nothing then */
};

enum spec_type {
	SPEC_STRING,
	SPEC_INTEGER,
	SPEC_BOOLEAN,
	SPEC_ARRAY,
	SPEC_OBJECT,
	SPEC_ANY,
};

struct spec_member {
	struct str name;
	enum spec_type type;
	bool required;
	int64_t min, max; /* of an integer; of a string, in code points; of a list, its items */
};

/* Members of `object` into values[n] in the table's order; NULL: absent, null or wrong. Others are
 * PROBLEM_UNKNOWN_MEMBER. What is no object is PROBLEM_TYPE. */
void spec_read(struct spec *s, yyjson_val *object, struct str path,
	       const struct spec_member *members, unsigned n, yyjson_val **values);

/* One member of them: its value, or NULL where that is wrong. */
yyjson_val *spec_judge(struct spec *s, struct str path, const struct spec_member *m, yyjson_val *v);

/* "path.name": for problems, not made for what is right. */
struct str spec_path(struct spec *s, struct str path, struct str name);
/* A copy in the arena. */
struct str spec_copy(struct spec *s, struct str text);

/* Of names that stand in addresses, logs and lists: why one is wrong, because it is blank or holds a control
 * character; NULL: it is right. */
const char *spec_name_rule(struct str name);
/* PROBLEM_NAME for that. */
void spec_judge_name(struct problems *ps, struct str path, struct str name);

/* The value, or what stands for it when it is absent. */
int64_t spec_integer(const yyjson_val *v, int64_t absent);
bool spec_boolean(const yyjson_val *v, bool absent);
