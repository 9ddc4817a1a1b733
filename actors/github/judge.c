/* SPDX-License-Identifier: MPL-2.0 */
/*  judge - headers before words, and words only where there are no headers */

#include "actors/github/judge.h"
#include "proto/base/json.h"

#include <stdlib.h>
#include <string.h>

#define CF_JUDGE_SECONDARY_MS 60000u    /* a secondary limit that does not say how long */
#define CF_JUDGE_RESET_SLACK_MS 1000u   /* the reset is told in whole seconds */

static const char *const s_names [] = {
    "DONE", "TOKEN", "SCOPE", "MISSING", "CONFLICT", "REFUSED", "LIMITED", "DOWN"
};

const char *
cf_judge_name (cf_judge_kind_t kind)
{
    return s_names [kind];
}

static uint64_t
s_date_us (const cf_http_response_t *response)
{
    char value [64];
    return cf_http_header (response, "date", value, sizeof value)? cf_http_date_us (value): 0;
}

/*  Whether the message speaks of a limit: the only sign that some secondary limits give. */
static bool
s_speaks_of_limit (const cf_http_response_t *response)
{
    cf_json_t *document = cf_json_parse (response->body.bytes, response->body.size, NULL);
    const char *message = cf_json_str (document, "message", "");
    bool limit = strcasestr (message, "rate limit") || strcasestr (message, "abuse detection");
    json_decref (document);
    return limit;
}

/*  How long a limit asks to wait; 0 where the answer is none of a limit. */
static uint64_t
s_limit_ms (const cf_http_response_t *response, uint64_t now_us)
{
    char remaining [32], reset [32];
    uint64_t wait_ms = cf_http_retry_after_ms (response, now_us);
    if (wait_ms)
        return wait_ms;
    if (cf_http_header (response, "x-ratelimit-remaining", remaining, sizeof remaining) && strcmp (remaining, "0") == 0
        && cf_http_header (response, "x-ratelimit-reset", reset, sizeof reset)) {
        uint64_t reset_ms = strtoull (reset, NULL, 10) * 1000u, now_ms = now_us / 1000u;
        return (reset_ms > now_ms? reset_ms - now_ms: 0) + CF_JUDGE_RESET_SLACK_MS;
    }
    return response->status == 429 || s_speaks_of_limit (response)? CF_JUDGE_SECONDARY_MS: 0;
}

cf_judge_t
cf_judge_response (const cf_http_response_t *response, uint64_t now_us)
{
    cf_judge_t judged = { .kind = CF_JUDGE_DOWN, .date_us = s_date_us (response) };
    uint64_t clock_us = judged.date_us? judged.date_us: now_us;
    switch (response->status) {
        case 401:
            judged.kind = CF_JUDGE_TOKEN;
            break;
        case 403: case 429:
            judged.wait_ms = s_limit_ms (response, clock_us);
            judged.kind = judged.wait_ms? CF_JUDGE_LIMITED: CF_JUDGE_SCOPE;
            break;
        case 301: case 302: case 307: case 308:         /* a repository that has another name by now: this one is free */
        case 404: case 410:
            judged.kind = CF_JUDGE_MISSING;
            break;
        case 409:
            judged.kind = CF_JUDGE_CONFLICT;
            break;
        case 400: case 413: case 422: case 451:
            judged.kind = CF_JUDGE_REFUSED;
            break;
        default:
            judged.kind = response->status >= 200 && response->status <= 299? CF_JUDGE_DONE: CF_JUDGE_DOWN;
            judged.wait_ms = judged.kind == CF_JUDGE_DOWN? cf_http_retry_after_ms (response, clock_us): 0;
    }
    return judged;
}
