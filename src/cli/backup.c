#include "store/backup.h"
#include "base/fail.h"
#include "cli/command.h"
#include "cli/options.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

static const char usage[] = "usage: occurd backup [--data DIR] --to FILE|DIR\n\n"
			    "Copies the store in DIR (else OCCURD_DATA, else ./data) as it is at "
			    "one moment into a file\n"
			    "that is not there yet, or into a new file in a directory; a server "
			    "may be running. To use\n"
			    "it, put it as occurd.db into an empty directory.\n\n"
			    "Exit status: 0 the copy is there and synced, 1 it could not be made, "
			    "2 asked for wrongly.\n";

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

/* What is half copied is not to stay. One that is ignored (nohup) stays so. */
static void take_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		struct sigaction before;
		sigaction(signals[i], NULL, &before);
		if (before.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
}

int command_backup(int argc, char **argv)
{
	struct backup_config config = { .dir = options_data(), .stop = &stop };
	struct backup_result result;
	const struct option_row table[] = {
		{ "--data", &config.dir, NULL },
		{ "--to", &config.to, NULL },
		{ 0 },
	};
	enum options_outcome outcome = options_read(argc, argv, table, usage);
	if (outcome != OPTIONS_OK)
		return outcome == OPTIONS_HELP ? 0 : 2;
	if (!config.to) {
		fprintf(stderr, "occurd backup: --to is missing\n\n%s", usage);
		return 2;
	}
	take_signals();
	if (backup_run(&config, &result) < 0) {
		fprintf(stderr, "occurd backup: " STR_FMT "\n", STR_ARG(fail_words()));
		return 1;
	}
	printf("%s: %" PRIu64 " bytes, events up to %" PRIu64 "\n", result.path, result.bytes,
	       result.last_seq);
	return 0;
}
