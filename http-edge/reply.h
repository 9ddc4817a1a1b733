/* SPDX-License-Identifier: MPL-2.0 */
/*  reply - the one answer a request gets: JSON, errors in the API's shape, headers that every answer carries
 *
 *  Each function answers once and does nothing where the client is gone.
 */
#ifndef CF_EDGE_REPLY_H
#define CF_EDGE_REPLY_H

#include "http-edge/request.h"
#include "proto/base/error.h"

typedef enum {
#define FAULT(name_, status_, api_, sentence_) CF_FAULT_##name_,
#include "http-edge/faults.def"
#undef FAULT
    CF_FAULT_COUNT
} cf_fault_t;

/*  A header of the answer to come. name as long as the process; value is copied. */
void cf_reply_header (cf_request_t *request, const char *name, const char *value);

/*  JSON text of size bytes, copied. */
void cf_reply_json (cf_request_t *request, int status, const char *json, size_t size);
/*  The same with a document, which it takes (NULL: 500). */
void cf_reply_document (cf_request_t *request, int status, cf_json_t *document);
/*  No content: 204. */
void cf_reply_nothing (cf_request_t *request);

/*  The edge's own refusal. details is taken; NULL: none. */
void cf_reply_fault (cf_request_t *request, cf_fault_t fault, cf_json_t *details);
/*  The same to what never became a request, as the bytes of an answer after which the connection is closed. */
void cf_reply_put_fault (cf_buf_t *out, cf_fault_t fault, cf_json_t *details, bool tls);
/*  400 with {field, reason}. */
void cf_reply_refused (cf_request_t *request, const char *field, const char *reason);
/*  What work for the request ended with: the code's status and sentence. details is taken; NULL: none. */
void cf_reply_code (cf_request_t *request, cf_error_code_t code, cf_json_t *details);
/*  The same with words of its own, meant for the client. */
void cf_reply_words (cf_request_t *request, cf_error_code_t code, const char *text, cf_json_t *details);
/*  What a call ended with: details of client faults are those that came with it, other texts stay here. */
void cf_reply_error (cf_request_t *request, const cf_error_t *error);

/*  Sets status and headers of an answer without an end; the caller starts the response. */
void cf_reply_stream (cf_request_t *request, const char *type);
/*  The same of a file whose end is to come. */
void cf_reply_download (cf_request_t *request, const char *type);
/*  Ends the connection of a client that has left. */
void cf_reply_gone (cf_request_t *request);

#endif
