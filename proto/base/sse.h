/* SPDX-License-Identifier: MPL-2.0 */
/*  sse - an incremental parser of text/event-stream (WHATWG HTML, section 9.2), for any chunking of the bytes
 *
 *  Lines end in CRLF, LF or CR; one byte order mark at the start, comments and unknown fields are skipped; data lines
 *  are joined with LF; an event without data is none; the id stays until the stream gives another.
 */
#ifndef CF_BASE_SSE_H
#define CF_BASE_SSE_H

#include <stddef.h>
#include <stdint.h>

typedef struct cf_sse_t cf_sse_t;

typedef struct {
    const char *event;          /* type, "message" where the stream gave none */
    const char *id;             /* last id of the stream so far, "" for none */
    const char *data;           /* NUL-terminated */
    size_t size;                /* bytes of data */
} cf_sse_event_t;

/*  Called for each event, whose strings live until it returns; -1 stops the parser. It must not destroy the parser. */
typedef int cf_sse_fn (void *context, const cf_sse_event_t *event);

/*  max_bytes: most bytes of one line and of one event's data. NULL when out of memory. */
cf_sse_t *cf_sse_new (size_t max_bytes, cf_sse_fn *on_event, void *context);
void cf_sse_destroy (cf_sse_t **self_p);
/*  Takes the next bytes. 0, or -1 once a line or an event was too large, memory ran out or on_event said -1; from then
    on every call says so until cf_sse_restart. */
int cf_sse_feed (cf_sse_t *self, const void *bytes, size_t size);
/*  A new connection begins: forgets the unfinished event, keeps the id (what to send as Last-Event-ID). */
void cf_sse_restart (cf_sse_t *self);
/*  Id of the last event that was delivered, "" for none; borrowed until the next call. */
const char *cf_sse_last_id (const cf_sse_t *self);
/*  What the stream last said in a retry field, milliseconds; fallback where it said none. */
uint32_t cf_sse_retry_ms (const cf_sse_t *self, uint32_t fallback);

#endif
