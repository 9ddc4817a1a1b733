/* SPDX-License-Identifier: MPL-2.0 */
/*  commands - one function a subcommand; argv [0] is its name, the result an exit status of exits.h
 *
 *  TO ADD A COMMAND: its function here, its row in main.c's table.
 */
#ifndef CF_CLI_COMMANDS_H
#define CF_CLI_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

int cf_command_up (int argc, char **argv);
int cf_command_down (int argc, char **argv);
int cf_command_restart (int argc, char **argv);
int cf_command_status (int argc, char **argv);
int cf_command_ps (int argc, char **argv);
int cf_command_logs (int argc, char **argv);
int cf_command_token (int argc, char **argv);
int cf_command_run (int argc, char **argv);
int cf_command_export (int argc, char **argv);
int cf_command_job (int argc, char **argv);
int cf_command_cancel (int argc, char **argv);
int cf_command_breaker (int argc, char **argv);
int cf_command_doctor (int argc, char **argv);
int cf_command_config (int argc, char **argv);

/*  Starts CodeForge in the background and waits until it is ready; its banner, or why it could not start, goes to
    sentence. 0, or an exit status (in up.c). */
int cf_up_detached (char *sentence, size_t size);

/*  Prints "codeforge: …" to stderr; returns status, so that `return cf_fail (…)` reads well (in main.c). */
int cf_fail (int status, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
/*  Prints how the command is used to stderr; returns CF_EXIT_USAGE (in main.c). */
int cf_fail_usage (const char *command);

#endif
