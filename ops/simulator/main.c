/* SPDX-License-Identifier: MPL-2.0 */
/*  codeforge-simulator - the model provider that answers when no key is configured
 *
 *  Owns:       its journal and caches, in memory; nothing outlives it.
 *  Answers:    what OpenAI, Anthropic and Google answer, over HTTP on 127.0.0.1: chat, embeddings, models; /_sim for tests.
 *  Asks:       nobody. It is no peer of the broker: the router finds it as it finds any provider.
 *  Stops:      on TERM, at once; open answers are cut off, as a provider's would be.
 *  If it dies: calls fail like those of a provider that is down, and are made again.
 *
 *  When it listens it writes "port=N\n" to the descriptor that CF_READY_FD names, and closes it.
 *  By hand: codeforge-simulator [--port N] [--latency MS]
 */

#include "ops/simulator/server.h"
#include "proto/base/config.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
s_usage (FILE *out, int code)
{
    fputs ("usage: codeforge-simulator [--port N] [--latency MS]\n"
           "The provider simulator: OpenAI's, Anthropic's and Gemini's wire formats on 127.0.0.1, answers from rules. Port 0: any free one.\n"
           "Else from SIMULATOR_PORT and SIMULATOR_LATENCY_MS.\n", out);
    return code;
}

static int
s_read_arguments (int argc, char **argv)
{
    for (int at = 1; at < argc; at += 2) {
        cf_config_id_t id = !strcmp (argv [at], "--port")? CF_CONFIG_SIMULATOR_PORT:
            !strcmp (argv [at], "--latency")? CF_CONFIG_SIMULATOR_LATENCY_MS: CF_CONFIG_COUNT;
        if (id == CF_CONFIG_COUNT || at + 1 == argc || cf_config_set (id, argv [at + 1]))
            return -1;
    }
    return 0;
}

static void
s_tell_ready (uint16_t port)
{
    const char *number = getenv ("CF_READY_FD");
    int fd = number? atoi (number): -1;
    if (fd < 0)
        return;
    char line [24];
    int size = snprintf (line, sizeof line, "port=%u\n", port);
    if (write (fd, line, (size_t) size) != size)
        cf_log_warning ("the ready line could not be written");
    close (fd);
    unsetenv ("CF_READY_FD");
}

int
main (int argc, char **argv)
{
    if (argc == 2 && !strcmp (argv [1], "--help"))
        return s_usage (stdout, EXIT_SUCCESS);
    cf_config_load_or_exit ();
    cf_log_init ("simulator");
    if (s_read_arguments (argc, argv))
        return s_usage (stderr, CF_CONFIG_EXIT);
    cf_error_t error = { 0 };
    uint16_t port = (uint16_t) cf_config_u64 (CF_CONFIG_SIMULATOR_PORT);
    cf_server_t *server = cf_server_new (&port, cf_config_u64 (CF_CONFIG_SIMULATOR_LATENCY_MS), &error);
    if (!server) {
        cf_log_error ("%s", error.text);
        return EXIT_FAILURE;
    }
    cf_log_info ("answers on http://127.0.0.1:%u/v1 and /v1beta from rules, without a model", port);
    s_tell_ready (port);
    int rc = cf_server_run (server);
    cf_log_info ("stopped");
    _exit (rc? EXIT_FAILURE: EXIT_SUCCESS);     /* what hangs on open connections dies with the process */
}
