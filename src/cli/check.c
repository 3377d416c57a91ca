#include "base/fail.h"
#include "cli/command.h"
#include "cli/options.h"
#include "store/audit.h"

#include <inttypes.h>
#include <stdio.h>

static const char usage[] =
	"usage: occurd check [--data DIR] [--repair]\n\n"
	"Looks whether the store in DIR (else OCCURD_DATA, else ./data) is whole, while no server\n"
	"has it: the file, the order of events, each contact's list of them, counts, saved\n"
	"positions, identities. Says what it finds, one line each. Nothing is changed without\n"
	"--repair, which makes anew what follows from the rest.\n\n"
	"Exit status: 0 it is whole, 1 there are findings, 2 it could not be looked.\n";

static void tell(const char *line)
{
	puts(line);
}

static int run(const struct audit_config *config)
{
	struct audit_result result;
	if (audit_run(config, &result) < 0) {
		fflush(stdout);
		fprintf(stderr, "occurd check: " STR_FMT "\n", STR_ARG(fail_words()));
		return 2;
	}
	printf("%s: %" PRIu64 " events, %" PRIu64 " contacts, %" PRIu64 " identities; ",
	       config->dir, result.events, result.contacts, result.identities);
	if (result.found != result.left)
		printf("%" PRIu64 " findings, of which are left: ", result.found);
	printf("%" PRIu64 " findings\n", result.left);
	return result.left ? 1 : 0;
}

int command_check(int argc, char **argv)
{
	struct audit_config config = { .dir = options_data(), .tell = tell };
	const struct option_row table[] = {
		{ "--data", &config.dir, NULL },
		{ "--repair", NULL, &config.repair },
		{ 0 },
	};
	enum options_outcome outcome = options_read(argc, argv, table, usage);
	if (outcome != OPTIONS_OK)
		return outcome == OPTIONS_HELP ? 0 : 2;
	return run(&config);
}
