/* SPDX-License-Identifier: MPL-2.0 */
/*  messages - a project's conversation */

#include "http-edge/handlers/handlers.h"
#include "http-edge/query.h"

void
cf_handle_message_list (cf_request_t *request)
{
    uint32_t page, page_size;
    if (cf_query_page (request, 100, &page, &page_size))
        cf_request_show (request, 200, CF_MESSAGE_LIST, &(cf_message_list_t) {
            .project = request->project, .user = request->user, .page = page, .page_size = page_size });
}
