/* SPDX-License-Identifier: MPL-2.0 */
/*  judge - what an answer of GitHub's REST API means to whoever asked
 *
 *  GitHub says 403 both for what a token may not do and for what it may not do so often. Its limits come in forms that are told
 *  apart by headers: Retry-After; x-ratelimit-remaining: 0 with x-ratelimit-reset; and, for secondary limits, sometimes by the words
 *  of the message alone, after which a minute is to be waited ("Rate limits for the REST API" in GitHub's documentation).
 */
#ifndef CF_GITHUB_JUDGE_H
#define CF_GITHUB_JUDGE_H

#include "actors/lib/http.h"

typedef enum {
    CF_JUDGE_DONE,              /* 2xx */
    CF_JUDGE_TOKEN,             /* nobody has this token */
    CF_JUDGE_SCOPE,             /* it may not do that */
    CF_JUDGE_MISSING,           /* there is none, or the token may not know */
    CF_JUDGE_CONFLICT,          /* the repository is empty or in the making, or the branch has moved */
    CF_JUDGE_REFUSED,           /* what was asked is wrong */
    CF_JUDGE_LIMITED,           /* not now: wait_ms */
    CF_JUDGE_DOWN               /* GitHub's fault, or not GitHub */
} cf_judge_kind_t;

typedef struct {
    cf_judge_kind_t kind;
    uint64_t wait_ms;           /* before it is asked again, where the answer says so */
    uint64_t date_us;           /* GitHub's wall clock; 0: the answer does not tell */
} cf_judge_t;

/*  now_us: our wall clock, for where the answer does not tell GitHub's. */
cf_judge_t cf_judge_response (const cf_http_response_t *response, uint64_t now_us);
/*  "DONE" …; static storage. */
const char *cf_judge_name (cf_judge_kind_t kind);

#endif
