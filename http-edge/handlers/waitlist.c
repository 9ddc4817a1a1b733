/* SPDX-License-Identifier: MPL-2.0 */
/*  waitlist - whoever asks, and however often, gets the same answer: it must not tell who is on the list */

#include "http-edge/handlers/handlers.h"
#include "http-edge/reply.h"
#include "proto/codec.h"

void
cf_handle_waitlist (cf_request_t *request)
{
    cf_effect_applied_t *kept = cf_request_ask (request, CF_WAITLIST_ADD, &(cf_waitlist_add_t) {
        .email = cf_json_str (request->body, "email", "") });
    if (kept)
        cf_reply_document (request, 201, json_pack ("{s:s}", "message", "You are on the list."));
    cf_codec_free (&kept);
}
