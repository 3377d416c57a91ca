/*
 * ~ The tour begins here. Comments that open with a tilde are meant to be read in order; each ends
 * ~ with where to go next.
 *
 * ~ occurd receives events ("this happened, to this person") in the words of several vendors and
 * ~ stores them before it says so. An event's way through the program is a line:
 *
 * ~     socket -> net -> dialect -> intake -> committer -> store -> intake -> dialect -> socket
 *
 * ~ Each station is a folder. This file only finds the sub-command; the program comes together in
 * ~ cli/serve.c. Go there.
 */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "serve", command_serve, "take events until told to stop" },
	{ "check", command_check, "look whether a store is whole, and repair what can be" },
	{ "backup", command_backup, "copy a store while its server runs" },
	{ "switches", command_switches, "print the switches that a workspace has, as Markdown" },
	{ "tail", command_tail, "print events as they are committed" },
	{ "version", command_version, "print the version" },
};

static int usage(FILE *to, int status)
{
	fputs("usage: occurd COMMAND [OPTION ...]\n\n", to);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("\noccurd serve --help lists the settings.\n", to);
	return status;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
		return usage(stdout, 0);
	if (!strcmp(name, "--version"))
		name = "version";
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(name, commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	if (*name)
		fprintf(stderr, "occurd: there is no command \"%s\"\n", name);
	return usage(stderr, 2);
}
