/* SPDX-License-Identifier: MPL-2.0 */
/*  http - outgoing HTTP/1.1 for tasks: connections kept alive, bodies streamed as they arrive (libcurl's owner)
 *
 *  Thousands of transfers run at once in the loop; a task sees one call that returns when its answer is complete. A task
 *  that is cancelled or overdue has its connection closed at once, so that a provider stops working for nobody.
 *
 *  A request is sent a second time only where the server had closed the kept connection it was written to, without a byte
 *  of an answer: once, and, but for GET, HEAD, PUT and DELETE, only when that showed within a second; never where the request
 *  forbids it. Neither headers nor bodies are ever logged.
 */
#ifndef CF_LIB_HTTP_H
#define CF_LIB_HTTP_H

#include "actors/lib/task.h"
#include "proto/base/buf.h"

#define CF_HTTP_ERROR_BODY_MAX (64u * 1024u)    /* kept of the body of an answer that is not 2xx */
#define CF_HTTP_TAIL_MS 50u                     /* see CF_HTTP_DONE */

typedef struct cf_http_t cf_http_t;

typedef enum {
    CF_HTTP_OK,                 /* a complete answer of any status, or all that the sink wanted of it */
    CF_HTTP_CONNECT,            /* no such host, refused, or not connected within connect_ms */
    CF_HTTP_TLS,                /* handshake or certificate */
    CF_HTTP_RESET,              /* connection broke or was closed before a byte of the answer */
    CF_HTTP_FIRST_BYTE,         /* no byte of a body that counts (and no end) within first_byte_ms */
    CF_HTTP_STALLED,            /* silence for stall_ms in the middle of the body */
    CF_HTTP_CUT,                /* connection broke or was closed in the middle of the answer */
    CF_HTTP_TOO_LARGE,          /* body over max_bytes */
    CF_HTTP_CANCELLED,          /* the task was cancelled or overdue: error says which */
    CF_HTTP_OTHER               /* not HTTP, bad URL, no memory … */
} cf_http_failure_t;

typedef struct {
    const char *method;         /* NULL: GET, or POST where there is a body */
    const char *url;            /* http or https */
    char *const *headers;       /* "Name: value" lines, NULL at the end; NULL: none */
    const void *body;           /* borrowed until the call returns; NULL: none */
    size_t body_size;
    uint32_t connect_ms;        /* 0: 10 s; name lookup and TLS included */
    uint32_t first_byte_ms;     /* 0: no limit but the task's; connecting counts too */
    uint32_t stall_ms;          /* 0: no limit but the task's */
    uint32_t linger_ms;         /* see CF_HTTP_LINGER */
    size_t max_bytes;           /* of the body; 0: 16 MiB */
    bool once;                  /* it makes something: it must not be sent twice */
} cf_http_request_t;

typedef struct {
    long status;                /* 0 while there is none */
    cf_http_failure_t failure;
    cf_buf_t headers;           /* the head of the answer, as it came */
    cf_buf_t body;              /* whole without a sink; with one, only that of an answer that is not 2xx, cut off */
    uint64_t first_byte_us;     /* from the start of the transfer to the first byte of the body; 0: none came */
    uint64_t total_us;          /* from the same start to its end */
} cf_http_response_t;

/*  What a sink makes of a transfer. From LINGER on it is a success, whether it ends, breaks or falls silent. */
typedef enum {
    CF_HTTP_MORE,               /* goes on */
    CF_HTTP_NOT_YET,            /* goes on; what came are signs of life, first_byte_ms counts as if nothing had */
    CF_HTTP_LINGER,             /* what matters is there; what else comes within linger_ms from the first such word on is welcome */
    CF_HTTP_DONE,               /* all is there but the end of the body: that is awaited for CF_HTTP_TAIL_MS, to keep the connection */
    CF_HTTP_STOP                /* ends now, and closes the connection */
} cf_http_want_t;

/*  Takes the next bytes of a 2xx body, on the loop: it must neither wait nor call http. */
typedef cf_http_want_t (cf_http_sink_fn) (void *arg, const char *bytes, size_t size);

/*  max_connections: most transfers at once, and most connections kept open; further calls wait for their turn. NULL when
    out of memory. */
cf_http_t *cf_http_new (cf_loop_t *loop, size_t max_connections);
/*  No task may be in a call: an actor does it in cf_actor_on_end, when the drain has cancelled all of them. */
void cf_http_destroy (cf_http_t **self_p);

/*  From now on every request goes to an IPv4 address and port, whatever host its URL names, and only certificates are believed that are in the
    PEM file trusted or signed by one that is. 0, or -1 when out of memory. */
int cf_http_pin (cf_http_t *self, const char *trusted, const char *address, unsigned port);

/*  Sends request and waits for the answer. 0 with a complete response (look at its status); -1 with response->failure
    and error: HTTP_FAILED, or what the task was cancelled with. sink may be NULL. Initialises response; free it in
    either case. */
int cf_http_call (cf_task_t *task, cf_http_t *self, const cf_http_request_t *request, cf_http_sink_fn *sink,
                  void *sink_arg, cf_http_response_t *response, cf_error_t *error);
/*  Frees what response holds; safe twice, and on a zeroed one. */
void cf_http_response_free (cf_http_response_t *response);
/*  Copies the value of a header (any case of name) into value, cut off at size; false and "" if there is none. */
bool cf_http_header (const cf_http_response_t *response, const char *name, char *value, size_t size);
/*  Wall clock of a date as headers have it (RFC 9110, section 5.6.7, the preferred form); 0 where text is none. */
uint64_t cf_http_date_us (const char *text);
/*  How long the answer asks to wait (Retry-After, in seconds or as a date; retry-after-ms): a day at most, 0 where it does not. */
uint32_t cf_http_retry_after_ms (const cf_http_response_t *response, uint64_t now_wall_us);
/*  "CONNECT" …; static storage. */
const char *cf_http_failure_name (cf_http_failure_t failure);

/*  Transfers in progress and waiting, for beats and tests. */
size_t cf_http_active (const cf_http_t *self);

#endif
