/* SPDX-License-Identifier: MPL-2.0 */
/*  api - the commands as clients of CodeForge's own HTTP API */
#ifndef CF_CLI_API_H
#define CF_CLI_API_H

#include "actors/lib/http.h"
#include "proto/base/json.h"

typedef struct cf_api_t cf_api_t;

/*  A client of the API of the CodeForge that runs in CODEFORGE_HOME, else of the one that the settings name; acts as user, or,
    where that is NULL, as the development user. NULL with a sentence. */
cf_api_t *cf_api_new (cf_loop_t *loop, const char *user, cf_error_t *error);
void cf_api_destroy (cf_api_t **self_p);
/*  "http://127.0.0.1:8000" */
const char *cf_api_url (const cf_api_t *self);

/*  Sends body (NULL: none) and waits for the answer, which is yours to json_decref (NULL where it has no JSON). 0 where the
    status is 2xx; else -1 with a sentence, and *status (may be NULL) set to what the API said, 0 where it did not answer. */
int cf_api_call (cf_api_t *self, cf_task_t *task, const char *method, const char *path, const cf_json_t *body, cf_json_t **answer,
                 long *status, cf_error_t *error);
/*  Reads the event stream at path, from last_id on ("": from the state as it is), into sink until it ends. As cf_api_call. */
int cf_api_stream (cf_api_t *self, cf_task_t *task, const char *path, const char *last_id, cf_http_sink_fn *sink, void *arg,
                   long *status, cf_error_t *error);

/*  Reads the file at path into sink. 0 where it came whole, or sink wanted no more of it; else -1 with a sentence. */
int cf_api_download (cf_api_t *self, cf_task_t *task, const char *path, cf_http_sink_fn *sink, void *arg, cf_error_t *error);

/*  For commands that are one conversation: runs fn in a task on a loop of its own; its result. */
typedef int (cf_api_fn) (cf_api_t *api, cf_task_t *task, void *arg);
int cf_api_converse (const char *user, cf_api_fn *fn, void *arg);

#endif
