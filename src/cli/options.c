#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row *find(const struct option_row *table, const char *word, size_t n)
{
	for (; table->name; table++)
		if (strlen(table->name) == n && strncmp(table->name, word, n) == 0)
			return table;
	return NULL;
}

/* NULL, or what is wrong. */
static const char *take(int argc, char **argv, int *i, const struct option_row *table)
{
	const char *word = argv[*i], *value = strchr(word, '=');
	const struct option_row *row =
		find(table, word, value ? (size_t)(value - word) : strlen(word));
	if (!row || (value && !row->value))
		return "unexpected argument";
	if (row->given)
		*row->given = true;
	if (!row->value)
		return NULL;
	*row->value = value ? value + 1 : ++*i < argc ? argv[*i] : "";
	return **row->value ? NULL : "no value behind";
}

enum options_outcome options_read(int argc, char **argv, const struct option_row *table,
				  const char *usage)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			fputs(usage, stdout);
			return OPTIONS_HELP;
		}
		const char *wrong = take(argc, argv, &i, table);
		if (wrong) {
			fprintf(stderr, "occurd %s: %s \"%s\"\n\n%s", argv[0], wrong, word, usage);
			return OPTIONS_WRONG;
		}
	}
	return OPTIONS_OK;
}

const char *options_data(void)
{
	const char *given = getenv("OCCURD_DATA");
	return given && *given ? given : "./data";
}
