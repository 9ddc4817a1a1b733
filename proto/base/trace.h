/* SPDX-License-Identifier: MPL-2.0 */
/*  trace - W3C Trace Context (Recommendation of 2021-11-23): the traceparent that follows a request everywhere */
#ifndef CF_BASE_TRACE_H
#define CF_BASE_TRACE_H

#include <stdbool.h>

#define CF_TRACE_SIZE 56                /* "00-<32>-<16>-<2>" and its NUL */

/*  A new sampled trace. Returns out. */
char *cf_trace_new (char out [CF_TRACE_SIZE]);
/*  A new span within the trace of parent; a new trace where parent is malformed. Returns out. */
char *cf_trace_child (const char *parent, char out [CF_TRACE_SIZE]);
/*  Whether text is a version 00 traceparent with non-zero ids in lower-case hex. */
bool cf_trace_valid (const char *text);

#endif
