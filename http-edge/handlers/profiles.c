/* SPDX-License-Identifier: MPL-2.0 */
/*  profiles - the caller's own, made at first sight */

#include "http-edge/handlers/handlers.h"
#include "http-edge/request.h"

#include <stdlib.h>

static void
s_write (cf_request_t *request, int status, const char *body)
{
    cf_request_show (request, status, CF_PROFILE_WRITE, &(cf_profile_write_t) { .user = request->user, .body = body });
}

void
cf_handle_profile_read (cf_request_t *request)
{
    cf_request_show (request, 200, CF_PROFILE_READ, &(cf_profile_read_t) { .user = request->user });
}

void
cf_handle_profile_read_me (cf_request_t *request)
{
    cf_handle_profile_read (request);
}

void
cf_handle_profile_create (cf_request_t *request)
{
    char *body = cf_json_print (request->body);
    s_write (request, 201, body);
    free (body);
}

void
cf_handle_profile_update (cf_request_t *request)
{
    char *body = cf_request_changes (request);
    if (body)
        s_write (request, 200, body);
    free (body);
}

void
cf_handle_profile_update_me (cf_request_t *request)
{
    cf_handle_profile_update (request);
}
