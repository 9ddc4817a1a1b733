/* SPDX-License-Identifier: MPL-2.0 */
/*  sse - whole lines are read where they lie; only what a chunk cuts in two is copied together first */

#include "proto/base/sse.h"
#include "proto/base/buf.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CF_SSE_NAME_MAX 1024            /* bytes of an event's type or id */
#define CF_SSE_RETRY_MAX 86400000u      /* a day; more is not believed */

struct cf_sse_t {
    cf_sse_fn *on_event;
    void *context;
    cf_buf_t line;              /* beginning of a line whose end has not come */
    cf_buf_t data;              /* of the event so far, each line with its LF */
    cf_buf_t event;             /* its type */
    cf_buf_t id;                /* given so far; becomes last_id with the next event */
    cf_buf_t last_id;
    uint32_t retry_ms;          /* 0: never said */
    uint8_t mark;               /* bytes of the byte order mark seen; 3: the start is over */
    bool after_cr;              /* an LF now belongs to that CR */
    bool broken;
};

cf_sse_t *
cf_sse_new (size_t max_bytes, cf_sse_fn *on_event, void *context)
{
    cf_sse_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->on_event = on_event;
    self->context = context;
    cf_buf_init (&self->line, max_bytes);
    cf_buf_init (&self->data, max_bytes < SIZE_MAX? max_bytes + 1: max_bytes);  /* and the LF that is cut off again */
    cf_buf_init (&self->event, CF_SSE_NAME_MAX);
    cf_buf_init (&self->id, CF_SSE_NAME_MAX);
    cf_buf_init (&self->last_id, CF_SSE_NAME_MAX);
    return self;
}

void
cf_sse_destroy (cf_sse_t **self_p)
{
    cf_sse_t *self = *self_p;
    if (!self)
        return;
    cf_buf_free (&self->line);
    cf_buf_free (&self->data);
    cf_buf_free (&self->event);
    cf_buf_free (&self->id);
    cf_buf_free (&self->last_id);
    free (self);
    *self_p = NULL;
}

void
cf_sse_restart (cf_sse_t *self)
{
    cf_buf_reset (&self->line);
    cf_buf_reset (&self->data);
    cf_buf_reset (&self->event);
    cf_buf_reset (&self->id);
    cf_buf_append (&self->id, self->last_id.bytes, self->last_id.size);
    self->mark = 0;
    self->after_cr = false;
    self->broken = false;
}

const char *
cf_sse_last_id (const cf_sse_t *self)
{
    return self->last_id.bytes;
}

uint32_t
cf_sse_retry_ms (const cf_sse_t *self, uint32_t fallback)
{
    return self->retry_ms? self->retry_ms: fallback;
}

static int
s_replace (cf_buf_t *buf, const char *bytes, size_t size)
{
    cf_buf_reset (buf);
    return cf_buf_append (buf, bytes, size);
}

static int
s_deliver (cf_sse_t *self)
{
    int result = s_replace (&self->last_id, self->id.bytes, self->id.size);
    if (self->data.size && result == 0) {
        self->data.bytes [--self->data.size] = 0;
        cf_sse_event_t event = {
            .event = self->event.size? self->event.bytes: "message", .id = self->last_id.bytes,
            .data = self->data.bytes, .size = self->data.size
        };
        result = self->on_event (self->context, &event);
    }
    cf_buf_reset (&self->data);
    cf_buf_reset (&self->event);
    return result;
}

/*  Only digits count, and nothing beyond a day, so that a stream cannot make its reader sleep for ever. */
static void
s_take_retry (cf_sse_t *self, const char *value, size_t size)
{
    uint32_t number = 0;
    for (size_t at = 0; at < size; at++) {
        if (value [at] < '0' || value [at] > '9' || number > CF_SSE_RETRY_MAX / 10)
            return;
        number = number * 10 + (uint32_t) (value [at] - '0');
    }
    if (size && number <= CF_SSE_RETRY_MAX)
        self->retry_ms = number;
}

static bool
s_is (const char *name, size_t size, const char *expected)
{
    return size == strlen (expected) && memcmp (name, expected, size) == 0;
}

static int
s_take_line (cf_sse_t *self, const char *line, size_t size)
{
    if (size == 0)
        return s_deliver (self);
    const char *colon = memchr (line, ':', size);
    size_t name = colon? (size_t) (colon - line): size;
    size_t from = colon? name + 1: size;
    from += from < size && line [from] == ' ';
    const char *value = line + from;
    size_t length = size - from;
    if (s_is (line, name, "data")) {
        if (length + 1 > self->data.max - self->data.size)
            return -1;
        return cf_buf_append (&self->data, value, length) || cf_buf_putc (&self->data, '\n')? -1: 0;
    }
    if (s_is (line, name, "event"))
        return s_replace (&self->event, value, length);
    if (s_is (line, name, "id") && !memchr (value, 0, length))
        return s_replace (&self->id, value, length);
    if (s_is (line, name, "retry"))
        s_take_retry (self, value, length);
    return 0;
}

/*  Eats the byte order mark at the very start; bytes that only looked like one become part of the first line. */
static size_t
s_skip_mark (cf_sse_t *self, const char *bytes, size_t size)
{
    static const char mark [] = "\xEF\xBB\xBF";
    size_t used = 0;
    while (self->mark < 3 && used < size && bytes [used] == mark [self->mark]) {
        self->mark++;
        used++;
    }
    if (self->mark < 3 && used < size) {
        if (cf_buf_append (&self->line, mark, self->mark))
            self->broken = true;
        self->mark = 3;
    }
    return used;
}

int
cf_sse_feed (cf_sse_t *self, const void *bytes, size_t size)
{
    const char *at = bytes, *end = at + size;
    if (!self->broken && self->mark < 3)
        at += s_skip_mark (self, at, size);
    while (!self->broken && at < end) {
        if (self->after_cr && *at == '\n') {
            self->after_cr = false;
            at++;
            continue;
        }
        self->after_cr = false;
        const char *stop = at;
        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        size_t length = (size_t) (stop - at);
        if (length > self->line.max || self->line.size > self->line.max - length)
            self->broken = true;
        else if (stop == end)
            self->broken = cf_buf_append (&self->line, at, length) != 0;
        else if (self->line.size) {
            self->broken = cf_buf_append (&self->line, at, length) || s_take_line (self, self->line.bytes, self->line.size);
            cf_buf_reset (&self->line);
        }
        else
            self->broken = s_take_line (self, at, length) != 0;
        self->after_cr = stop < end && *stop == '\r';
        at = stop < end? stop + 1: end;
    }
    return self->broken? -1: 0;
}
