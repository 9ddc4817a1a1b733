/* SPDX-License-Identifier: MPL-2.0 */
/*  history - what a watcher of a job is told: [{seq, event, data}], the events that were kept, and the state as it is */
#ifndef CF_LEDGER_HISTORY_H
#define CF_LEDGER_HISTORY_H

#include "actors/ledger/job.h"

/*  Adds what the ledger's events of job lack: for an open one the state as it is, where there are no events and the watcher does not
    know it yet (news); for one that has ended its result, and the end itself where it is no longer held. */
void cf_history_complete (cf_json_t *events, const cf_job_t *job, bool open, bool news);
/*  Whether the last of events ends the stream. */
bool cf_history_is_over (const cf_json_t *events);

#endif
