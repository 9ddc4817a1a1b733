/* SPDX-License-Identifier: MPL-2.0 */
/*  refusal - codes of errors.def and details as the HTTP API has them */

#include "actors/github/refusal.h"

#include <stdarg.h>
#include <stdio.h>

int
cf_refuse (cf_work_t *work, cf_error_t *error, cf_error_code_t code, const char *field, const char *format, ...)
{
    char text [sizeof error->text];
    va_list args;
    va_start (args, format);
    vsnprintf (text, sizeof text, format, args);
    va_end (args);
    cf_work_explain (work, code, json_pack ("{ssss}", "field", field, "reason", text));
    return cf_error_set (error, code, "%s", text);
}

int
cf_refuse_files (cf_work_t *work, cf_error_t *error)
{
    if (error->code != CF_ERROR_INVALID)
        return -1;
    const cf_error_t refused = *error;
    return cf_refuse (work, error, refused.code, "files", "%s", refused.text);
}

/*  It is GitHub's turn; the user can only ask again. */
static int
s_refuse_later (cf_work_t *work, cf_error_t *error, uint64_t wait_ms, const char *text)
{
    cf_json_t *details = json_pack ("{ss}", "service", "github");
    if (wait_ms)
        json_object_set_new (details, "retry_after", json_integer ((json_int_t) ((wait_ms + 999) / 1000)));
    cf_work_explain (work, CF_ERROR_GITHUB_DOWN, details);
    return cf_error_set (error, CF_ERROR_GITHUB_DOWN, "%s", text);
}

int
cf_refuse_answer (cf_work_t *work, cf_error_t *error, const cf_api_answer_t *answer, const char *right)
{
    char text [256];
    switch (answer->kind) {
        case CF_JUDGE_TOKEN:
            return cf_refuse (work, error, CF_ERROR_INVALID, "github_token",
                              "GitHub does not know the token: it is wrong, expired or revoked. Make a new one and export again.");
        case CF_JUDGE_SCOPE: case CF_JUDGE_MISSING:
            return cf_refuse (work, error, CF_ERROR_INVALID, "github_token",
                              "The token is not allowed to %s. A classic token needs the scope repo; a fine-grained one needs Administration and"
                              " Contents, read and write.", right);
        case CF_JUDGE_LIMITED:
            snprintf (text, sizeof text, "GitHub takes no more requests with this token for %llu s. Export again then: it goes on where it was.",
                      (unsigned long long) (answer->wait_ms + 999) / 1000);
            return s_refuse_later (work, error, answer->wait_ms, text);
        case CF_JUDGE_CONFLICT: case CF_JUDGE_REFUSED: case CF_JUDGE_DONE: case CF_JUDGE_DOWN:
            break;
    }
    return s_refuse_later (work, error, answer->wait_ms, answer->status == 0?
        "GitHub could not be reached, or broke off. Export again later: it goes on where it was.":
        "GitHub did not do what it was asked. Export again later: it goes on where it was.");
}
