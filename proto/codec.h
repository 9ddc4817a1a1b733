/* SPDX-License-Identifier: MPL-2.0 */
/*  codec - messages to and from bytes, and to text for people; driven by the descriptors of message.h
 *
 *  A body is one msgpack array with an element for each field, in the table's order. Decoding is strict: the right
 *  number of elements, each of its type, strings without NUL, uuids well-formed, no byte left over.
 */
#ifndef CF_CODEC_H
#define CF_CODEC_H

#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/message.h"

#define CF_CODEC_MAX_BYTES (16u << 20)  /* no body is larger */

/*  Appends the body of message id with the given fields (a cf_<name>_t; NULL strings count as ""). 0, or -1 when the
    buffer refused. */
int cf_codec_encode (cf_message_id_t id, const void *fields, cf_buf_t *out);
/*  Returns a cf_<name>_t of the caller's in one allocation (its strings included), to be freed with cf_codec_free;
    NULL with BAD_MESSAGE. */
void *cf_codec_decode (uint32_t id, const void *bytes, size_t size, cf_error_t *error);
/*  Frees what decode returned, through a pointer to the caller's pointer, which becomes NULL. Safe twice. */
#define cf_codec_free(fields_p_) cf_codec_release ((void *) (fields_p_))
void cf_codec_release (void *fields_p);
/*  Appends NAME {field: value, …}; secrets as "***", texts cut at text_max bytes. */
void cf_codec_print (cf_message_id_t id, const void *fields, size_t text_max, cf_buf_t *out);

#endif
