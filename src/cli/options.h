/* The options of the small sub-commands: --name VALUE, --name=VALUE, or --name alone. */
#pragma once

#include "base/base.h"

struct option_row {
	const char *name;   /* with its dashes; NULL ends the table */
	const char **value; /* NULL: it takes none */
	bool *given;        /* NULL: nobody asks */
};

enum options_outcome { OPTIONS_OK, OPTIONS_HELP, OPTIONS_WRONG };

/* OPTIONS_HELP has printed `usage`, OPTIONS_WRONG what is wrong. */
enum options_outcome options_read(int argc, char **argv, const struct option_row *table,
				  const char *usage);
/* Where `serve` would look: the environment, else ./data. */
const char *options_data(void);
