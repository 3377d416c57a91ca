/* The sub-commands. argv[0] is the command's name; the result is the exit status: 0 done, 1 it
 * could not be done, 2 it was asked for wrongly. */
#pragma once

int command_serve(int argc, char **argv);
int command_switches(int argc, char **argv);
int command_version(int argc, char **argv);
