/* SPDX-License-Identifier: MPL-2.0 */
/*  usage - what the caller's jobs have cost, by day and agent */

#include "http-edge/handlers/handlers.h"
#include "http-edge/query.h"
#include "http-edge/reply.h"

#include <string.h>

void
cf_handle_usage (cf_request_t *request)
{
    char project [CF_UUID_SIZE], from [16], to [16];
    if (!cf_query_uuid (request, "project_id", project) || !cf_query_date (request, "from", from, sizeof from)
        || !cf_query_date (request, "to", to, sizeof to))
        return;
    if (*from && *to && strcmp (from, to) > 0)
        cf_reply_refused (request, "to", "must not be before from");
    else
        cf_request_show (request, 200, CF_USAGE_READ, &(cf_usage_read_t) {
            .user = request->user, .project = project, .from = from, .to = to });
}
