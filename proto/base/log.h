/* SPDX-License-Identifier: MPL-2.0 */
/*  log - one JSON object a line on stderr, written with one write (2)
 *
 *  {"time", "level", "process", "job", "request", "text"}; job and request come from the context that the
 *  runtime sets around a task, so that a call to cf_log_info in the middle of anything says whose it is.
 */
#ifndef CF_BASE_LOG_H
#define CF_BASE_LOG_H

#include <stddef.h>

typedef enum { CF_LOG_DEBUG, CF_LOG_INFO, CF_LOG_WARNING, CF_LOG_ERROR } cf_log_level_t;

typedef struct {
    const char *job;            /* uuid, or NULL; borrowed */
    const char *request;        /* X-Request-ID, or NULL; borrowed */
} cf_log_context_t;

/*  Names the process in every line and takes the level from LOG_LEVEL (config must be loaded). */
void cf_log_init (const char *process);
/*  Context for the lines that follow; returns the former one, to be put back. */
cf_log_context_t cf_log_context (cf_log_context_t context);
void cf_log_write (cf_log_level_t level, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/*  Lines, each with its newline, go to fn instead of stderr (how the supervisor puts its own among those it collects);
    NULL: to stderr again. */
typedef void (cf_log_sink_fn) (void *arg, const char *line, size_t size);
void cf_log_sink (cf_log_sink_fn *fn, void *arg);

#define cf_log_debug(...) cf_log_write (CF_LOG_DEBUG, __VA_ARGS__)
#define cf_log_info(...) cf_log_write (CF_LOG_INFO, __VA_ARGS__)
#define cf_log_warning(...) cf_log_write (CF_LOG_WARNING, __VA_ARGS__)
#define cf_log_error(...) cf_log_write (CF_LOG_ERROR, __VA_ARGS__)

#endif
