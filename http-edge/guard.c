/* SPDX-License-Identifier: MPL-2.0 */
/*  guard - one pass over the lines of a head that h2o has already taken as well-formed */

#include "http-edge/guard.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

typedef struct {
    unsigned lengths, encodings, hosts;
    bool chunked;
} seen_t;

static bool
s_is (const char *name, size_t size, const char *wanted)
{
    return strlen (wanted) == size && strncasecmp (name, wanted, size) == 0;
}

/*  One header line without its line end. NULL, or why it is refused. */
static const char *
s_take_line (const char *line, const char *end, seen_t *seen)
{
    const char *colon = memchr (line, ':', (size_t) (end - line));
    if (!colon || colon == line || colon [-1] == ' ' || colon [-1] == '\t')
        return "a header without a name";
    size_t name_size = (size_t) (colon - line);
    const char *value = colon + 1;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end [-1] == ' ' || end [-1] == '\t'))
        end--;
    size_t value_size = (size_t) (end - value);
    if (s_is (line, name_size, "content-length")) {
        seen->lengths++;
        if (!value_size || value_size > 18 || strspn (value, "0123456789") < value_size)
            return "Content-Length is not a number";
    }
    else if (s_is (line, name_size, "transfer-encoding")) {
        seen->encodings++;
        seen->chunked = s_is (value, value_size, "chunked");
    }
    else if (s_is (line, name_size, "host"))
        seen->hosts++;
    return NULL;
}

static const char *
s_judge (const seen_t *seen, bool http_1_1)
{
    if (seen->lengths > 1)
        return "more than one Content-Length";
    if (seen->lengths && seen->encodings)
        return "Content-Length with Transfer-Encoding";
    if (seen->encodings > 1 || (seen->encodings && (!seen->chunked || !http_1_1)))
        return "a Transfer-Encoding other than chunked";
    if (seen->hosts > 1 || (http_1_1 && !seen->hosts))
        return "not exactly one Host";
    return NULL;
}

const char *
cf_guard_check (const char *bytes, size_t size, size_t *head_bytes)
{
    seen_t seen = { 0 };
    bool http_1_1 = false;
    const char *limit = bytes + size;
    const char *reason = NULL;
    *head_bytes = size;
    for (const char *line = bytes; line < limit && !reason;) {
        const char *newline = memchr (line, '\n', (size_t) (limit - line));
        if (!newline)
            return "no end of the head";
        const char *end = newline > line && newline [-1] == '\r'? newline - 1: newline;
        if (line == bytes)
            http_1_1 = end - line > 8 && memcmp (end - 8, "HTTP/1.1", 8) == 0;
        else if (end == line) {
            *head_bytes = (size_t) (newline + 1 - bytes);
            return s_judge (&seen, http_1_1);
        }
        else if (*line == ' ' || *line == '\t')
            reason = "a folded header";
        else
            reason = s_take_line (line, end, &seen);
        line = newline + 1;
    }
    return reason? reason: "no end of the head";
}

typedef struct {
    int64_t now_ms;
    int64_t timeout_ms;
} sweep_t;

static int
s_sweep (h2o_req_t *http, void *arg)
{
    const sweep_t *sweep = arg;
    const struct timeval *began = &http->timestamps.request_begin_at;
    if (!began->tv_sec || http->pathconf)
        return 0;                       /* between two requests, or in a handler's care */
    if (sweep->now_ms - ((int64_t) began->tv_sec * 1000 + began->tv_usec / 1000) > sweep->timeout_ms)
        shutdown (h2o_socket_get_fd (http->conn->callbacks->get_socket (http->conn)), SHUT_RDWR);
    return 0;
}

void
cf_guard_sweep (h2o_context_t *context, uint64_t timeout_ms)
{
    const struct timeval *now = h2o_get_timestamp (context, NULL, NULL);
    sweep_t sweep = { (int64_t) now->tv_sec * 1000 + now->tv_usec / 1000, (int64_t) timeout_ms };
    context->globalconf->http1.callbacks.foreach_request (context, s_sweep, &sweep);
}
