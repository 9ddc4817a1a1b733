/* SPDX-License-Identifier: MPL-2.0 */
/*  logbook - every line of every process, in one file: HOME/log/codeforge.log
 *
 *  A JSON object a line; past CF_LOGBOOK_BYTES the file becomes codeforge.log.1, that one .2 and so on, the oldest
 *  goes. In the foreground people see the lines on their terminal too. A full disk or a terminal that does not
 *  read loses lines, never stops anything.
 */
#ifndef CF_SUPERVISOR_LOGBOOK_H
#define CF_SUPERVISOR_LOGBOOK_H

#include "actors/lib/loop.h"
#include "proto/base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define CF_LOGBOOK_FILE "log/codeforge.log"
#define CF_LOGBOOK_BYTES (16u << 20)
#define CF_LOGBOOK_FILES 4

typedef struct cf_logbook_t cf_logbook_t;
typedef struct cf_logbook_tap_t cf_logbook_tap_t;

/*  Opens HOME/log/codeforge.log for appending; max_bytes a file. NULL with error. */
cf_logbook_t *cf_logbook_new (size_t max_bytes, cf_error_t *error);
void cf_logbook_destroy (cf_logbook_t **self_p);
/*  Shows the lines to people on this descriptor too (-1: no longer). */
void cf_logbook_show (cf_logbook_t *self, int terminal);
/*  Takes one line as process wrote it. */
void cf_logbook_put (cf_logbook_t *self, const char *process, const char *line, size_t size);

/*  Takes the lines of process from a non-blocking pipe, which becomes its own, until it is destroyed. NULL: out of memory. */
cf_logbook_tap_t *cf_logbook_tap (cf_logbook_t *self, cf_loop_t *loop, const char *process, int fd);
/*  Takes what is left in the pipe, without waiting, and closes it. */
void cf_logbook_tap_destroy (cf_logbook_tap_t **self_p);
/*  The last line that was not empty, as it came; what a process that died had to say. Borrowed. */
const char *cf_logbook_tap_last (const cf_logbook_tap_t *self);

#endif
