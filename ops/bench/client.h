/* SPDX-License-Identifier: MPL-2.0 */
/*  client - HTTP/1.1 load over kept connections to 127.0.0.1, from one epoll loop
 *
 *  Closed loop: every connection has one request on its way and sends the next as soon as the answer is complete. Bounded by
 *  count and by time. Answers must carry a Content-Length.
 */
#ifndef CF_BENCH_CLIENT_H
#define CF_BENCH_CLIENT_H

#include "ops/bench/samples.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"

#include <stdint.h>

#define CF_CLIENT_MAX_CONNECTIONS 10000
#define CF_CLIENT_MAX_REQUESTS 5000000
#define CF_CLIENT_PATIENCE_MS 90000     /* for answers that are due when the time is up */

/*  Appends request number at (from 0) to out, head and body. */
typedef void (cf_client_write_fn) (void *arg, uint64_t at, cf_buf_t *out);
/*  Gets the answer to it; body is borrowed. */
typedef void (cf_client_answer_fn) (void *arg, uint64_t at, int status, const char *body, size_t size);

typedef struct {
    uint16_t port;
    size_t connections;
    uint64_t count;                     /* requests in all */
    uint64_t time_ms;                   /* no request is begun after that */
    int status;                         /* of an answer that counts */
    cf_client_write_fn *write;
    cf_client_answer_fn *answer;        /* NULL: nobody looks */
    void *arg;
} cf_client_plan_t;

typedef struct {
    cf_samples_t latency;               /* of the answers that count, microseconds */
    uint64_t counted, refused, broken;  /* answers that count; of another status; connections that ended */
    uint64_t elapsed_us;                /* from the first byte sent to the last answer that counted */
    int refused_status;                 /* of the first answer that did not count */
} cf_client_result_t;

/*  Runs the plan to its end. 0, or -1 with error when it could not connect. Free the latency afterwards in either case. */
int cf_client_run (const cf_client_plan_t *plan, cf_client_result_t *result, cf_error_t *error);
/*  Prints a result as the figures NAME_rate, NAME_p50, NAME_p99, NAME_max and NAME_count. 0 when every request got the answer that
    counts, else -1 after a line on stderr. Its latency is sorted. */
int cf_client_report (cf_client_result_t *result, const char *name);

/*  One request alone on a connection of its own, e.g. to prepare something. Its status, -1 with error; body is the caller's to free. */
int cf_client_ask (uint16_t port, const cf_buf_t *request, cf_buf_t *body, cf_error_t *error);
/*  A connection to 127.0.0.1, blocking, with a limit on each read; -1 with error. */
int cf_client_connect (uint16_t port, uint64_t read_ms, cf_error_t *error);
/*  Raises the limit of open files as far as it goes. */
void cf_client_raise_files (void);

#endif
