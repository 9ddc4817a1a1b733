/* SPDX-License-Identifier: MPL-2.0 */
/*  bus - one link, one task, and an end */

#include "ops/cli/bus.h"
#include "ops/cli/commands.h"
#include "ops/supervisor/control.h"
#include "ops/supervisor/exits.h"

#include <unistd.h>

typedef struct {
    cf_bus_fn *fn;
    void *arg;
    int result;
} conversation_t;

static void
s_converse (cf_task_t *task, void *arg)
{
    conversation_t *self = arg;
    self->result = self->fn (task, self->arg);
}

/*  A link waits for a broker for ever; whether there is one, the supervisor knows. 0, or -1 with error. */
static int
s_is_running (cf_error_t *error)
{
    int fd = cf_control_connect (error);
    if (fd < 0)
        return -1;
    close (fd);
    return 0;
}

int
cf_bus_converse (cf_bus_fn *fn, void *arg)
{
    cf_error_t error = { 0 };
    conversation_t self = { .fn = fn, .arg = arg, .result = CF_EXIT_SOFTWARE };
    if (s_is_running (&error))
        return cf_fail (CF_EXIT_UNAVAILABLE, "%s", error.text);
    cf_loop_t *loop = cf_loop_new ();
    cf_link_t *link = loop? cf_link_new (loop, "operator", (unsigned) getpid (), 0, &error): NULL;
    if (!link)
        self.result = cf_fail (CF_EXIT_SOFTWARE, "%s", error.text);
    else if (cf_task_start (loop, s_converse, &self, NULL))
        while (cf_task_count ())
            cf_loop_turn (loop, -1);
    cf_link_destroy (&link);
    cf_task_free_pool ();
    cf_loop_destroy (&loop);
    return self.result;
}
