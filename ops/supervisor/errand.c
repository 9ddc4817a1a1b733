/* SPDX-License-Identifier: MPL-2.0 */
/*  errand - the copy's end arrives like any child's, through its pidfd; what it found lies in shared memory by then */

#include "ops/supervisor/errand.h"
#include "ops/supervisor/child.h"
#include "proto/base/log.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct cf_errand_t {
    cf_loop_t *loop;
    cf_child_t child;
    cf_logbook_tap_t *tap;
    cf_error_t *error;                  /* shared with the copy */
    cf_errand_done_fn *done;
    void *arg;
};

void *
cf_errand_share (size_t size)
{
    void *memory = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED? NULL: memory;
}

void
cf_errand_unshare (void *shared, size_t size)
{
    if (shared)
        munmap (shared, size);
}

static void
s_destroy (cf_errand_t *self)
{
    cf_logbook_tap_destroy (&self->tap);
    if (self->child.pidfd >= 0) {
        cf_loop_unwatch (self->loop, self->child.pidfd);
        close (self->child.pidfd);
    }
    cf_errand_unshare (self->error, sizeof *self->error);
    free (self);
}

static void
s_on_end (void *arg, uint32_t events)
{
    (void) events;
    cf_errand_t *self = arg;
    int status = cf_child_reap (&self->child);
    cf_error_t error = *self->error;
    if (error.code == CF_OK && status != 0)
        cf_error_set (&error, CF_ERROR_INTERNAL, "it was %s", cf_child_end (status));
    cf_errand_done_fn *done = self->done;
    void *to = self->arg;
    s_destroy (self);
    done (to, &error);
}

cf_errand_t *
cf_errand_start (cf_loop_t *loop, cf_logbook_t *book, const char *name, cf_errand_fn *fn, void *shared,
                 cf_errand_done_fn *done, void *arg, cf_error_t *error)
{
    cf_errand_t *self = calloc (1, sizeof *self);
    cf_error_t *found = cf_errand_share (sizeof *found);
    if (!self || !found) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        cf_errand_unshare (found, sizeof *found);
        free (self);
        return NULL;
    }
    *self = (cf_errand_t) { .loop = loop, .error = found, .done = done, .arg = arg };
    pid_t pid = cf_child_fork (&self->child, error);
    if (pid == 0) {
        cf_log_sink (NULL, NULL);       /* the copy's words go through the pipe */
        cf_log_init (name);
        _exit (fn (shared, found)? EXIT_FAILURE: EXIT_SUCCESS);
    }
    if (pid < 0) {
        self->child.pidfd = -1;
        s_destroy (self);
        return NULL;
    }
    self->tap = cf_logbook_tap (book, loop, name, self->child.log);
    cf_loop_watch (loop, self->child.pidfd, EPOLLIN, s_on_end, self);
    return self;
}

void
cf_errand_cancel (cf_errand_t **self_p)
{
    cf_errand_t *self = *self_p;
    if (!self)
        return;
    kill (-self->child.pid, SIGKILL);   /* its group: what it started goes too */
    kill (self->child.pid, SIGKILL);
    cf_child_reap (&self->child);
    s_destroy (self);
    *self_p = NULL;
}
