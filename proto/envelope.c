/* SPDX-License-Identifier: MPL-2.0 */
/*  envelope - a version and fifteen scalars in a row */

#include "proto/envelope.h"
#include "proto/wire.h"

#include <stdio.h>
#include <string.h>

#define CF_ENVELOPE_FIELDS 15

static const char *const s_kinds [CF_KIND_END] = {
    "?", "HELLO", "WELCOME", "READY", "BYE", "BEAT", "CALL", "REPLY", "FAILED", "CANCEL", "EVENT", "SUBSCRIBE", "GONE"
};

static void
s_put_text (cf_buf_t *out, const char *text)
{
    cf_wire_put_str (out, text, strlen (text));
}

int
cf_envelope_encode (const cf_envelope_t *self, cf_buf_t *out)
{
    cf_wire_put_array (out, CF_ENVELOPE_FIELDS + 1);
    cf_wire_put_u64 (out, CF_ENVELOPE_VERSION);
    cf_wire_put_u64 (out, self->kind);
    cf_wire_put_u64 (out, self->message);
    cf_wire_put_u64 (out, self->call);
    s_put_text (out, self->from);
    s_put_text (out, self->to);
    s_put_text (out, self->job);
    s_put_text (out, self->user);
    s_put_text (out, self->request);
    s_put_text (out, self->trace);
    cf_wire_put_u64 (out, self->priority);
    cf_wire_put_u64 (out, self->attempt);
    cf_wire_put_u64 (out, self->deadline_ms);
    cf_wire_put_u64 (out, self->number);
    cf_wire_put_u64 (out, self->sent_us);
    cf_wire_put_u64 (out, self->routed_us);
    return out->overflowed? -1: 0;
}

static bool
s_uuid_or_none (const char *text)
{
    return !*text || cf_uuid_valid (text);
}

int
cf_envelope_decode (cf_envelope_t *self, const void *bytes, size_t size, cf_error_t *error)
{
    cf_wire_t wire;
    cf_wire_read (&wire, bytes, size > CF_ENVELOPE_MAX_BYTES? 0: size, CF_ENVELOPE_FIELDS + 1);
    uint64_t version = cf_wire_get_u64 (&wire, 255);
    self->kind = (cf_kind_t) cf_wire_get_u64 (&wire, CF_KIND_END - 1);
    self->message = (uint32_t) cf_wire_get_u64 (&wire, UINT32_MAX);
    self->call = cf_wire_get_u64 (&wire, UINT64_MAX);
    cf_wire_get_text (&wire, self->from, sizeof self->from);
    cf_wire_get_text (&wire, self->to, sizeof self->to);
    cf_wire_get_text (&wire, self->job, sizeof self->job);
    cf_wire_get_text (&wire, self->user, sizeof self->user);
    cf_wire_get_text (&wire, self->request, sizeof self->request);
    cf_wire_get_text (&wire, self->trace, sizeof self->trace);
    self->priority = (uint32_t) cf_wire_get_u64 (&wire, 9);
    self->attempt = (uint32_t) cf_wire_get_u64 (&wire, UINT32_MAX);
    self->deadline_ms = (uint32_t) cf_wire_get_u64 (&wire, UINT32_MAX);
    self->number = cf_wire_get_u64 (&wire, UINT64_MAX);
    self->sent_us = cf_wire_get_u64 (&wire, UINT64_MAX);
    self->routed_us = cf_wire_get_u64 (&wire, UINT64_MAX);
    if (!cf_wire_done (&wire) || !self->kind || !s_uuid_or_none (self->job) || !s_uuid_or_none (self->user))
        return cf_error_set (error, CF_ERROR_BAD_MESSAGE, "malformed envelope of %zu bytes", size);
    if (version != CF_ENVELOPE_VERSION)
        return cf_error_set (error, CF_ERROR_BAD_MESSAGE, "envelope of version %u, not %u", (unsigned) version, CF_ENVELOPE_VERSION);
    return 0;
}

const char *
cf_envelope_kind_name (cf_kind_t kind)
{
    return s_kinds [kind < CF_KIND_END? kind: 0];
}

void
cf_envelope_service (const char *peer, char out [CF_ENVELOPE_NAME_SIZE])
{
    snprintf (out, CF_ENVELOPE_NAME_SIZE, "%.*s", (int) strcspn (peer, "."), peer);
}
