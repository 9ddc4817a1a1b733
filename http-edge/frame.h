/* SPDX-License-Identifier: MPL-2.0 */
/*  frame - events in the format of text/event-stream (WHATWG HTML, section 9.2.6) */
#ifndef CF_EDGE_FRAME_H
#define CF_EDGE_FRAME_H

#include "proto/base/buf.h"

#include <stdint.h>

#define CF_FRAME_NO_ID UINT64_MAX

/*  Appends an event, without an id where it is CF_FRAME_NO_ID. A line end within data begins another data line. 0, or -1 when buf refused. */
int cf_frame_put (cf_buf_t *buf, uint64_t id, const char *event, const char *data);
/*  Appends how long a client is to wait before it connects again. */
int cf_frame_put_retry (cf_buf_t *buf, unsigned ms);
/*  Appends a comment, which clients skip. */
int cf_frame_put_comment (cf_buf_t *buf);

#endif
