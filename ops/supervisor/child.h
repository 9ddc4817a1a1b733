/* SPDX-License-Identifier: MPL-2.0 */
/*  child - starts a program so that it knows only what it must
 *
 *  Its environment is a handful of names; its settings, secrets among them, come through a memory file (CF_CONFIG_FD)
 *  that no other process can look into as it can into an environment. It dies with us (PR_SET_PDEATHSIG), leads a
 *  process group of its own (so that Ctrl-C reaches us alone), leaves no core and inherits no descriptor.
 */
#ifndef CF_SUPERVISOR_CHILD_H
#define CF_SUPERVISOR_CHILD_H

#include "proto/base/buf.h"
#include "proto/base/error.h"

#include <stdbool.h>
#include <sys/types.h>

typedef struct {
    char *const *argv;                  /* argv [0] is a path, NULL-terminated */
    unsigned instance;                  /* CF_INSTANCE */
    const cf_buf_t *settings;           /* as cf_config_export writes them; NULL: it gets no CF_CONFIG_FD */
    bool announces;                     /* it writes a line to CF_READY_FD when it can serve */
} cf_child_spec_t;

typedef struct {
    pid_t pid;
    int pidfd;                          /* readable when it has ended */
    int log;                            /* what it writes to stdout and stderr; non-blocking */
    int ready;                          /* what it writes to CF_READY_FD, or -1; non-blocking */
} cf_child_t;

/*  Starts it. 0, or -1 with error and nothing left open. A program that cannot be executed says so on its log and ends
    with 127. Descriptors are yours to close. */
int cf_child_spawn (cf_child_t *self, const cf_child_spec_t *spec, cf_error_t *error);
/*  Forks a copy of this very process under the same rules but for its memory and environment: 0 in the copy, its process
    id in the caller with *self filled, -1 with error. The copy must end with _exit. */
pid_t cf_child_fork (cf_child_t *self, cf_error_t *error);
/*  Takes the end of a child whose pidfd is readable. Its status as wait (2) gives it. */
int cf_child_reap (cf_child_t *self);
/*  "exited with 1", "killed by SIGSEGV", for people; static buffer. */
const char *cf_child_end (int status);

#endif
