/* SPDX-License-Identifier: MPL-2.0 */
/*  download - an answer that its request's task makes piece by piece, no faster than the client takes it
 *
 *  One piece is in flight, one is being made. What is broken off ends without HTTP's end (the last chunk), so that nobody takes it
 *  for whole. A client that leaves cancels the task; one that takes nothing for a minute is cut off.
 */
#ifndef CF_EDGE_DOWNLOAD_H
#define CF_EDGE_DOWNLOAD_H

#include "http-edge/request.h"
#include "proto/base/buf.h"

#define CF_DOWNLOAD_PIECE_BYTES (64u * 1024u)   /* as much is sent at once */
#define CF_DOWNLOAD_MAX 64              /* at once … */
#define CF_DOWNLOAD_MAX_PER_USER 8      /* … and of one user */

typedef struct cf_download_t cf_download_t;

/*  Begins the answer to request, status 200, of a media type; headers were added before (cf_reply_header). most: what is ever made at once,
    bytes. NULL after having answered that there are too many. */
cf_download_t *cf_download_new (cf_request_t *request, const char *type, size_t most);
/*  Where the next piece is made. */
cf_buf_t *cf_download_out (cf_download_t *self);
/*  Sends it when there are CF_DOWNLOAD_PIECE_BYTES of it, waiting until the last one was taken. 0, or -1 with error: the
    client has left, or is stuck. */
int cf_download_send (cf_download_t *self, cf_error_t *error);
/*  Ends the answer: complete with what is in out, or broken off. */
void cf_download_end (cf_download_t **self_p, bool complete);

#endif
