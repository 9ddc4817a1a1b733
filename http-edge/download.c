/* SPDX-License-Identifier: MPL-2.0 */
/*  download - held by its task, and by h2o's request until that is dropped */

#include "http-edge/download.h"
#include "http-edge/reply.h"
#include "proto/base/clock.h"
#include "proto/base/metric.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define CF_DOWNLOAD_STALL_MS 60000u     /* a client that takes nothing for so long is cut off */

struct cf_download_t {
    h2o_generator_t generator;
    cf_request_t *request;              /* NULL: h2o has dropped it */
    cf_task_t *task;                    /* NULL: it has ended the answer */
    cf_download_t *prev, *next;         /* all whose request is there */
    cf_buf_t making, flying;
    bool in_flight, waiting;            /* waiting: the task, for what is in flight */
    bool cut;
    char user [CF_UUID_SIZE];
};

static cf_download_t *s_downloads;
static unsigned s_open;

static void
s_free_unheld (cf_download_t *self)
{
    if (self->request || self->task)
        return;
    cf_buf_free (&self->making);
    cf_buf_free (&self->flying);
    free (self);
}

static void
s_on_gone (void *owner)
{
    cf_download_t *self = owner;
    self->request = NULL;
    DL_DELETE (s_downloads, self);
    cf_metric_set (CF_METRIC_edge_downloads_open, --s_open);
    s_free_unheld (self);               /* else the request has cancelled its task */
}

/*  Breaks the connection; h2o sees it by a write that fails, and drops the request. */
static void
s_cut (cf_download_t *self)
{
    if (self->cut || !self->request)
        return;
    self->cut = true;
    cf_request_cut (self->request);
    if (!self->in_flight)
        h2o_send (self->request->http, NULL, 0, H2O_SEND_STATE_ERROR);
}

static void
s_on_hangup (void *owner)
{
    s_cut (owner);
}

static void
s_on_proceed (h2o_generator_t *generator, h2o_req_t *http)
{
    cf_download_t *self = (cf_download_t *) (void *) generator;
    self->in_flight = false;
    if (self->cut)                      /* all had been written before */
        h2o_send (http, NULL, 0, H2O_SEND_STATE_ERROR);
    else if (self->waiting)
        cf_task_wake (self->task);
}

static bool
s_has_place (const cf_request_t *request)
{
    const cf_download_t *other;
    unsigned same = 0;
    DL_FOREACH (s_downloads, other)
        same += strcmp (other->user, request->user) == 0;
    return s_open < CF_DOWNLOAD_MAX && same < CF_DOWNLOAD_MAX_PER_USER;
}

cf_download_t *
cf_download_new (cf_request_t *request, const char *type, size_t most)
{
    cf_download_t *self = s_has_place (request)? calloc (1, sizeof *self): NULL;
    if (!self) {
        cf_reply_fault (request, CF_FAULT_BUSY, NULL);
        return NULL;
    }
    self->generator.proceed = s_on_proceed;
    self->request = request;
    self->task = request->task;
    memcpy (self->user, request->user, sizeof self->user);
    cf_buf_init (&self->making, most);
    cf_buf_init (&self->flying, most);
    request->owner = self;
    request->on_gone = s_on_gone;
    request->on_hangup = s_on_hangup;
    DL_APPEND (s_downloads, self);
    cf_metric_set (CF_METRIC_edge_downloads_open, ++s_open);
    cf_reply_download (request, type);
    cf_request_watch (request);
    h2o_start_response (request->http, &self->generator);
    return self;
}

cf_buf_t *
cf_download_out (cf_download_t *self)
{
    return &self->making;
}

/*  Until nothing is in flight. */
static int
s_wait (cf_download_t *self, cf_error_t *error)
{
    int result = cf_task_wait_status (self->task, error);
    cf_task_limit (self->task, CF_DOWNLOAD_STALL_MS);
    self->waiting = true;
    while (result == 0 && self->in_flight)
        result = cf_task_wait (self->task, error);
    self->waiting = false;
    cf_task_limit (self->task, 0);
    return result;
}

static void
s_fly (cf_download_t *self, h2o_send_state_t state)
{
    cf_buf_t empty = self->flying;
    cf_buf_reset (&empty);
    self->flying = self->making;
    self->making = empty;
    h2o_iovec_t bytes = h2o_iovec_init (self->flying.bytes, self->flying.size);
    self->in_flight = true;
    h2o_send (self->request->http, &bytes, bytes.len? 1: 0, state);
}

int
cf_download_send (cf_download_t *self, cf_error_t *error)
{
    if (self->making.size < CF_DOWNLOAD_PIECE_BYTES)
        return 0;
    if (s_wait (self, error))
        return -1;
    s_fly (self, H2O_SEND_STATE_IN_PROGRESS);
    return 0;
}

void
cf_download_end (cf_download_t **self_p, bool complete)
{
    cf_download_t *self = *self_p;
    cf_error_t error = { 0 };
    *self_p = NULL;
    if (complete && cf_download_send (self, &error) == 0 && s_wait (self, &error) == 0) {
        self->request->streaming = false;           /* from here on it has as long as any answer */
        self->request->answered_ms = cf_clock_ms ();
        s_fly (self, H2O_SEND_STATE_FINAL);
    }
    else
        s_cut (self);
    self->task = NULL;
    s_free_unheld (self);
}
