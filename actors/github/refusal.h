/* SPDX-License-Identifier: MPL-2.0 */
/*  refusal - how an export says that it cannot be done, and what the user can do about it
 *
 *  Nothing GitHub says is passed on: its words may repeat what it was sent.
 */
#ifndef CF_GITHUB_REFUSAL_H
#define CF_GITHUB_REFUSAL_H

#include "actors/github/api.h"
#include "actors/lib/agent.h"

/*  Fails the work with words for its user; field: what of the request is at fault. -1. */
int cf_refuse (cf_work_t *work, cf_error_t *error, cf_error_code_t code, const char *field, const char *format, ...)
    __attribute__ ((format (printf, 5, 6)));
/*  The same for an answer that is no success and has no meaning of its own to whoever asked. right: what the token must be allowed to
    ("read the account"). -1. */
int cf_refuse_answer (cf_work_t *work, cf_error_t *error, const cf_api_answer_t *answer, const char *right);
/*  The same for what the store refused: only the project's files can be at fault. Other errors stay as they are. -1. */
int cf_refuse_files (cf_work_t *work, cf_error_t *error);

#endif
