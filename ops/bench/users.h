/* SPDX-License-Identifier: MPL-2.0 */
/*  users - who asks: tokens and a project of each, and the requests they make */
#ifndef CF_BENCH_USERS_H
#define CF_BENCH_USERS_H

#include "ops/bench/client.h"

#define CF_USERS_MAX 64

typedef struct {
    char *token, *project;
} cf_user_t;

typedef struct {
    cf_user_t rows [CF_USERS_MAX];
    size_t count;
    uint16_t port;
    uint32_t wait_s;                    /* of the jobs they start: Prefer: wait; 0: do not wait */
} cf_users_t;

/*  Reads "TOKEN PROJECT" lines; ends the program where there are none. */
void cf_users_load (cf_users_t *self, const char *path, uint16_t port);
void cf_users_free (cf_users_t *self);

/*  A cf_client_write_fn with a cf_users_t as arg: starts a qa job, in turn for each user, with a code of its own. */
void cf_users_write_job (void *arg, uint64_t at, cf_buf_t *out);
/*  Appends a request without body by user number at. */
void cf_users_write_get (const cf_users_t *self, uint64_t at, const char *path, cf_buf_t *out);
/*  Appends a POST of body with a token ("" for none). */
void cf_users_write_post (uint16_t port, const char *token, const char *path, const char *headers, const char *body, cf_buf_t *out);

#endif
