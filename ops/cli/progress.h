/* SPDX-License-Identifier: MPL-2.0 */
/*  progress - a pipeline's job as it goes on: a live table on a terminal, a line a change where the output is piped
 *
 *  Fed with the events of the job's stream (API.md); any of them may be missing or come twice.
 */
#ifndef CF_CLI_PROGRESS_H
#define CF_CLI_PROGRESS_H

#include "actors/lib/loop.h"
#include "proto/base/json.h"

#include <stdbool.h>

typedef struct cf_progress_t cf_progress_t;

/*  Shows itself on fd. NULL: out of memory. */
cf_progress_t *cf_progress_new (cf_loop_t *loop, int fd);
/*  Leaves what is shown on the screen. */
void cf_progress_destroy (cf_progress_t **self_p);

/*  A line above the table that stays, printf-like. */
void cf_progress_say (cf_progress_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
/*  What is waited for while there is nothing to show yet or any more ("starting CodeForge"); NULL: nothing. */
void cf_progress_wait_for (cf_progress_t *self, const char *what);
/*  An event of the stream with its decoded data. */
void cf_progress_take (cf_progress_t *self, const char *event, const cf_json_t *shown);
/*  The job in the end, as GET shows it: fills in what events did not tell, marks every row, and draws for the last time. */
void cf_progress_end (cf_progress_t *self, const cf_json_t *job);

#endif
