/* SPDX-License-Identifier: MPL-2.0 */
/*  journal - what was asked and how it ended, for tests: a ring of the last calls, and counts of all */
#ifndef CF_SIMULATOR_JOURNAL_H
#define CF_SIMULATOR_JOURNAL_H

#include "proto/base/buf.h"

#include <stdint.h>

#define CF_JOURNAL_CALLS 65536          /* kept; older ones are only counted */
#define CF_JOURNAL_MAX_TEXT 2000        /* bytes of a call's idea that are kept */

typedef enum { CF_OUTCOME_OPEN, CF_OUTCOME_FINISHED, CF_OUTCOME_CLIENT_CLOSED, CF_OUTCOME_FAULT } cf_outcome_t;

typedef struct {
    uint64_t id, key;
    uint64_t started_us, ended_us;      /* wall clock */
    cf_outcome_t outcome;
    char fault [24];
    char agent [32];
    char model [48];
    char *text;                         /* the idea */
} cf_journal_call_t;

typedef struct {
    cf_journal_call_t *calls;           /* call id is at (id - 1) % CF_JOURNAL_CALLS */
    uint64_t total, open, finished, cut, faulted;
    uint64_t first;                     /* id of the first call since the last reset */
} cf_journal_t;

/*  0, or -1 when out of memory. */
int cf_journal_init (cf_journal_t *self);
void cf_journal_free (cf_journal_t *self);
/*  Notes that a call began; returns its id. key: hash of its body. */
uint64_t cf_journal_open (cf_journal_t *self, const char *agent, const char *text, const char *model, uint64_t key);
/*  Notes how it ended; fault is the fault's name for CF_OUTCOME_FAULT. */
void cf_journal_close (cf_journal_t *self, uint64_t id, cf_outcome_t outcome, const char *fault);
/*  Forgets everything; calls that are open now will not be counted when they end. */
void cf_journal_reset (cf_journal_t *self);
/*  Appends {"total", "finished", "open", "cut", "faulted", "calls": […]}: oldest first, those whose idea holds contains
    (NULL: all), the last limit of them. */
void cf_journal_print (const cf_journal_t *self, const char *contains, size_t limit, cf_buf_t *out);

#endif
