/* SPDX-License-Identifier: MPL-2.0 */
/*  codeforge - the one command people use; everything it can do is a row of s_commands
 *
 *  Exit status: 0 done, 1 done without success, else as in sysexits.h (64 usage, 69 unavailable, 78 settings), 130 Ctrl-C.
 */

#include "ops/cli/commands.h"
#include "ops/supervisor/exits.h"
#include "proto/base/config.h"
#include "proto/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name;
    int (*run) (int argc, char **argv);
    const char *usage;          /* what follows the name */
    const char *caption;
    bool unset;                 /* runs also with wrong settings */
} command_t;

static int s_help (int argc, char **argv);
static int s_version (int argc, char **argv);

static const command_t s_commands [] = {
    { "run", cf_command_run, "\"IDEA\" [--out DIR] [--timeout S]", "builds an application from an idea, starting CodeForge if need be", false },
    { "up", cf_command_up, "[--detach]", "starts CodeForge; with --detach returns when it is ready", false },
    { "down", cf_command_down, "", "stops it", false },
    { "status", cf_command_status, "[--json]", "shows how it is and every process", false },
    { "ps", cf_command_ps, "", "shows every process", false },
    { "restart", cf_command_restart, "NAME", "restarts a process (edge.1) or all of a service (edge)", false },
    { "logs", cf_command_logs, "[-f] [-n LINES] [PROCESS]", "shows the log; -f goes on showing it", false },
    { "job", cf_command_job, "ID [--json] [--user UUID]", "shows a job with its steps", false },
    { "cancel", cf_command_cancel, "ID [--user UUID]", "cancels a job", false },
    { "breaker", cf_command_breaker, "[--json] [reset PROVIDER]", "shows which model providers are left alone, or ends that", false },
    { "export", cf_command_export, "PROJECT DIR|FILE [--force] [--user UUID]",
      "writes a project's files to a folder, or to a FILE.zip or FILE.tar.gz", false },
    { "token", cf_command_token, "[--user UUID] [--email E] [--role R] [--ttl S]", "prints a token for the HTTP API", false },
    { "doctor", cf_command_doctor, "", "checks everything and says how to mend it", true },
    { "config", cf_command_config, "", "shows every setting with its value", true },
    { "help", s_help, "[COMMAND]", "shows this", true },
    { "--help", s_help, "", NULL, true },
    { "-h", s_help, "", NULL, true },
    { "--version", s_version, "", NULL, true },
};

#define COMMANDS (sizeof s_commands / sizeof s_commands [0])

static const command_t *
s_lookup (const char *name)
{
    for (size_t at = 0; at < COMMANDS; at++)
        if (strcmp (s_commands [at].name, name) == 0)
            return &s_commands [at];
    return NULL;
}

static void
s_print_usage (FILE *file)
{
    fprintf (file, "usage: codeforge COMMAND\n\n");
    for (size_t at = 0; at < COMMANDS; at++)
        if (s_commands [at].caption)
            fprintf (file, "  %-9s %s\n", s_commands [at].name, s_commands [at].caption);
    fprintf (file, "\n`codeforge help COMMAND` shows its options. Settings are environment variables, or lines of a file .env;\n"
                   "`codeforge config` shows them.\n");
}

static int
s_help (int argc, char **argv)
{
    const command_t *command = argc > 1? s_lookup (argv [1]): NULL;
    if (argc > 1 && !command)
        return cf_fail (CF_EXIT_USAGE, "there is no command %s; `codeforge help` shows all.", argv [1]);
    if (command)
        printf ("usage: codeforge %s %s\n\n%s\n", command->name, command->usage, command->caption? command->caption: "");
    else
        s_print_usage (stdout);
    return CF_EXIT_OK;
}

static int
s_version (int argc, char **argv)
{
    (void) argc;
    (void) argv;
    printf ("codeforge " CF_VERSION "\n");
    return CF_EXIT_OK;
}

int
cf_fail (int status, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    fflush (stdout);
    fprintf (stderr, "codeforge: ");
    vfprintf (stderr, format, args);
    fprintf (stderr, "\n");
    va_end (args);
    return status;
}

int
cf_fail_usage (const char *name)
{
    const command_t *command = s_lookup (name);
    fprintf (stderr, "usage: codeforge %s %s\n", name, command? command->usage: "");
    return CF_EXIT_USAGE;
}

int
main (int argc, char **argv)
{
    const command_t *command = argc > 1? s_lookup (argv [1]): NULL;
    if (!command) {
        if (argc > 1)
            cf_fail (0, "there is no command %s.", argv [1]);
        s_print_usage (stderr);
        return CF_EXIT_USAGE;
    }
    if (argc > 2 && strcmp (argv [2], "--help") == 0)
        return s_help (2, argv);
    if (!command->unset)
        cf_config_load_or_exit ();
    cf_log_init ("codeforge");
    return command->run (argc - 1, argv + 1);
}
