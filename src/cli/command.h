/* The sub-commands. argv[0] is the command's name; the result is the exit status: 0 done, 1 it
 * could not be done, 2 it was asked for wrongly; `check` says in its help what it gives. */
#pragma once

int command_backup(int argc, char **argv);
int command_check(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_switches(int argc, char **argv);
int command_tail(int argc, char **argv);
int command_version(int argc, char **argv);
