/* SPDX-License-Identifier: MPL-2.0 */
/*  codec - one loop over a message's field descriptors for each direction */

#include "proto/codec.h"
#include "proto/base/uuid.h"
#include "proto/wire.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CF_CODEC_FIELDS_MAX 32          /* of one message */

static void
s_put (const cf_field_t *field, const char *fields, cf_buf_t *out)
{
    const void *at = fields + field->offset;
    switch (field->type) {
        case CF_FIELD_bool: cf_wire_put_bool (out, *(const bool *) at); break;
        case CF_FIELD_u32:  cf_wire_put_u64 (out, *(const uint32_t *) at); break;
        case CF_FIELD_u64:  cf_wire_put_u64 (out, *(const uint64_t *) at); break;
        case CF_FIELD_i64:  cf_wire_put_i64 (out, *(const int64_t *) at); break;
        case CF_FIELD_f64:  cf_wire_put_f64 (out, *(const double *) at); break;
        case CF_FIELD_str: case CF_FIELD_json: case CF_FIELD_uuid: case CF_FIELD_secret: {
            const char *text = *(const char *const *) at;
            cf_wire_put_str (out, text? text: "", text? strlen (text): 0);
            break;
        }
        case CF_FIELD_bin: case CF_FIELD_vec: {
            const cf_bytes_t *bytes = at;
            cf_wire_put_bin (out, bytes->bytes, bytes->size);
            break;
        }
    }
}

int
cf_codec_encode (cf_message_id_t id, const void *fields, cf_buf_t *out)
{
    const cf_message_row_t *row = cf_message_row (id);
    cf_wire_put_array (out, (uint32_t) row->field_count);
    for (size_t at = 0; at < row->field_count; at++)
        s_put (&row->fields [at], fields, out);
    return out->overflowed? -1: 0;
}

/*  Strings are terminated only when all is read: the NUL takes the place of the next element's first byte. */
static char *
s_get_text (cf_wire_t *wire, bool uuid, char **terminator)
{
    size_t size;
    const char *text = cf_wire_get_str (wire, CF_CODEC_MAX_BYTES, &size);
    *terminator = text? (char *) (uintptr_t) (text + size): NULL;
    if (uuid && text && size && size != CF_UUID_SIZE - 1)
        wire->failed = true;
    return (char *) (uintptr_t) text;
}

static char *
s_get (cf_wire_t *wire, const cf_field_t *field, char *fields)
{
    void *at = fields + field->offset;
    char *terminator = NULL;
    switch (field->type) {
        case CF_FIELD_bool: *(bool *) at = cf_wire_get_bool (wire); break;
        case CF_FIELD_u32:  *(uint32_t *) at = (uint32_t) cf_wire_get_u64 (wire, UINT32_MAX); break;
        case CF_FIELD_u64:  *(uint64_t *) at = cf_wire_get_u64 (wire, UINT64_MAX); break;
        case CF_FIELD_i64:  *(int64_t *) at = cf_wire_get_i64 (wire); break;
        case CF_FIELD_f64:  *(double *) at = cf_wire_get_f64 (wire); break;
        case CF_FIELD_str: case CF_FIELD_json: case CF_FIELD_uuid: case CF_FIELD_secret:
            *(char **) at = s_get_text (wire, field->type == CF_FIELD_uuid, &terminator);
            break;
        case CF_FIELD_bin: case CF_FIELD_vec:
            ((cf_bytes_t *) at)->bytes = cf_wire_get_bin (wire, &((cf_bytes_t *) at)->size);
            if (field->type == CF_FIELD_vec && ((cf_bytes_t *) at)->size % sizeof (float))
                wire->failed = true;
            break;
    }
    return terminator;
}

/*  A uuid may be empty (none); else it must be one. Checked after termination. */
static bool
s_uuids_valid (const cf_message_row_t *row, const char *fields)
{
    for (size_t at = 0; at < row->field_count; at++) {
        if (row->fields [at].type != CF_FIELD_uuid)
            continue;
        const char *text = *(const char *const *) (const void *) (fields + row->fields [at].offset);
        if (*text && !cf_uuid_valid (text))
            return false;
    }
    return true;
}

void *
cf_codec_decode (uint32_t id, const void *bytes, size_t size, cf_error_t *error)
{
    const cf_message_row_t *row = cf_message_row (id);
    if (!row) {
        cf_error_set (error, CF_ERROR_BAD_MESSAGE, "no message has the number %u", id);
        return NULL;
    }
    if (size > CF_CODEC_MAX_BYTES) {
        cf_error_set (error, CF_ERROR_BAD_MESSAGE, "%s: %zu bytes are too many", row->name, size);
        return NULL;
    }
    char *fields = calloc (1, row->struct_size + size + 1);
    char *terminators [CF_CODEC_FIELDS_MAX];
    if (row->field_count > CF_CODEC_FIELDS_MAX)
        abort ();               /* the table outgrew us */
    if (!fields) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    char *copy = fields + row->struct_size;
    if (size)
        memcpy (copy, bytes, size);
    cf_wire_t wire;
    cf_wire_read (&wire, copy, size, (uint32_t) row->field_count);
    for (size_t at = 0; at < row->field_count; at++)
        terminators [at] = s_get (&wire, &row->fields [at], fields);
    bool valid = cf_wire_done (&wire);
    for (size_t at = 0; valid && at < row->field_count; at++)
        if (terminators [at])
            *terminators [at] = 0;
    if (valid && s_uuids_valid (row, fields))
        return fields;
    free (fields);
    cf_error_set (error, CF_ERROR_BAD_MESSAGE, "%s: malformed body of %zu bytes", row->name, size);
    return NULL;
}

void
cf_codec_release (void *fields_p)
{
    void **pointer = fields_p;
    free (*pointer);
    *pointer = NULL;
}

static void
s_print_text (const char *text, size_t text_max, cf_buf_t *out)
{
    size_t size = text? strlen (text): 0;
    cf_buf_put_json (out, text? text: "", size < text_max? size: text_max);
    if (size > text_max)
        cf_buf_printf (out, "+%zu", size - text_max);
}

void
cf_codec_print (cf_message_id_t id, const void *fields, size_t text_max, cf_buf_t *out)
{
    const cf_message_row_t *row = cf_message_row (id);
    cf_buf_printf (out, "%s {", row->name);
    for (size_t index = 0; index < row->field_count; index++) {
        const cf_field_t *field = &row->fields [index];
        const void *at = (const char *) fields + field->offset;
        cf_buf_printf (out, "%s%s: ", index? ", ": "", field->name);
        switch (field->type) {
            case CF_FIELD_bool: cf_buf_puts (out, *(const bool *) at? "true": "false"); break;
            case CF_FIELD_u32:  cf_buf_printf (out, "%" PRIu32, *(const uint32_t *) at); break;
            case CF_FIELD_u64:  cf_buf_printf (out, "%" PRIu64, *(const uint64_t *) at); break;
            case CF_FIELD_i64:  cf_buf_printf (out, "%" PRId64, *(const int64_t *) at); break;
            case CF_FIELD_f64:  cf_buf_printf (out, "%g", *(const double *) at); break;
            case CF_FIELD_str: case CF_FIELD_json: case CF_FIELD_uuid:
                s_print_text (*(const char *const *) at, text_max, out);
                break;
            case CF_FIELD_secret: cf_buf_puts (out, "\"***\""); break;
            case CF_FIELD_bin: case CF_FIELD_vec:
                cf_buf_printf (out, "<%zu bytes>", ((const cf_bytes_t *) at)->size);
                break;
        }
    }
    cf_buf_puts (out, "}");
}
