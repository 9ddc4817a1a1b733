/* SPDX-License-Identifier: MPL-2.0 */
/*  journal - ring of calls */

#include "ops/simulator/journal.h"
#include "ops/simulator/project.h"
#include "proto/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
cf_journal_init (cf_journal_t *self)
{
    *self = (cf_journal_t) { .first = 1 };
    self->calls = calloc (CF_JOURNAL_CALLS, sizeof *self->calls);
    return self->calls? 0: -1;
}

void
cf_journal_free (cf_journal_t *self)
{
    for (size_t at = 0; self->calls && at < CF_JOURNAL_CALLS; at++)
        free (self->calls [at].text);
    free (self->calls);
    self->calls = NULL;
}

static cf_journal_call_t *
s_lookup (const cf_journal_t *self, uint64_t id)
{
    cf_journal_call_t *call = &self->calls [(id - 1) % CF_JOURNAL_CALLS];
    return id >= self->first && call->id == id? call: NULL;
}

uint64_t
cf_journal_open (cf_journal_t *self, const char *agent, const char *text, const char *model, uint64_t key)
{
    uint64_t id = self->first + self->total++;
    self->open++;
    cf_journal_call_t *call = &self->calls [(id - 1) % CF_JOURNAL_CALLS];
    free (call->text);
    *call = (cf_journal_call_t) { .id = id, .key = key, .started_us = cf_clock_wall_us () };
    snprintf (call->agent, sizeof call->agent, "%s", agent);
    snprintf (call->model, sizeof call->model, "%.47s", model);
    call->text = strndup (text, CF_JOURNAL_MAX_TEXT);
    return id;
}

void
cf_journal_close (cf_journal_t *self, uint64_t id, cf_outcome_t outcome, const char *fault)
{
    if (id < self->first)
        return;                         /* forgotten by a reset */
    self->open--;
    self->finished += outcome == CF_OUTCOME_FINISHED;
    self->cut += outcome == CF_OUTCOME_CLIENT_CLOSED;
    self->faulted += outcome == CF_OUTCOME_FAULT;
    cf_journal_call_t *call = s_lookup (self, id);
    if (!call)
        return;
    call->outcome = outcome;
    call->ended_us = cf_clock_wall_us ();
    snprintf (call->fault, sizeof call->fault, "%s", outcome == CF_OUTCOME_FAULT? fault: "");
}

void
cf_journal_reset (cf_journal_t *self)
{
    *self = (cf_journal_t) { .calls = self->calls, .first = self->first + self->total };
}

static void
s_print_call (const cf_journal_call_t *call, cf_buf_t *out)
{
    static const char *const outcomes [] = { "open", "finished", "client_closed", "fault:" };
    char idea [330];
    cf_project_cut (call->text? call->text: "", 80, idea, sizeof idea);
    cf_buf_printf (out, "{\"id\":%" PRIu64 ",\"agent\":", call->id);
    cf_buf_put_json (out, call->agent, strlen (call->agent));
    cf_buf_puts (out, ",\"idea\":");
    cf_buf_put_json (out, idea, strlen (idea));
    cf_buf_puts (out, ",\"model\":");
    cf_buf_put_json (out, call->model, strlen (call->model));
    cf_buf_printf (out, ",\"started_us\":%" PRIu64 ",\"ended_us\":", call->started_us);
    if (call->outcome == CF_OUTCOME_OPEN)
        cf_buf_puts (out, "null");
    else
        cf_buf_printf (out, "%" PRIu64, call->ended_us);
    cf_buf_printf (out, ",\"outcome\":\"%s%s\",\"key\":\"%016" PRIx64 "\"}", outcomes [call->outcome], call->fault, call->key);
}

void
cf_journal_print (const cf_journal_t *self, const char *contains, size_t limit, cf_buf_t *out)
{
    uint64_t end = self->first + self->total, kept = self->total < CF_JOURNAL_CALLS? self->total: CF_JOURNAL_CALLS, start = end;
    for (uint64_t found = 0; start > end - kept && found < limit; start--) {
        const cf_journal_call_t *call = s_lookup (self, start - 1);
        found += call && (!contains || (call->text && strstr (call->text, contains)));
    }
    cf_buf_printf (out, "{\"total\":%" PRIu64 ",\"finished\":%" PRIu64 ",\"open\":%" PRIu64 ",\"cut\":%" PRIu64 ",\"faulted\":%" PRIu64
                   ",\"calls\":[", self->total, self->finished, self->open, self->cut, self->faulted);
    bool any = false;
    for (uint64_t id = start; id < end; id++) {
        const cf_journal_call_t *call = s_lookup (self, id);
        if (!call || (contains && (!call->text || !strstr (call->text, contains))))
            continue;
        cf_buf_puts (out, any? ",": "");
        s_print_call (call, out);
        any = true;
    }
    cf_buf_puts (out, "]}");
}
