/* SPDX-License-Identifier: MPL-2.0 */
/*  frame - lines */

#include "http-edge/frame.h"

#include <string.h>

int
cf_frame_put (cf_buf_t *buf, uint64_t id, const char *event, const char *data)
{
    if (id != CF_FRAME_NO_ID)
        cf_buf_printf (buf, "id: %llu\n", (unsigned long long) id);
    cf_buf_puts (buf, "event: ");
    cf_buf_puts (buf, event);
    for (const char *line = data;;) {
        size_t size = strcspn (line, "\r\n");
        cf_buf_puts (buf, "\ndata: ");
        cf_buf_append (buf, line, size);
        if (!line [size])
            break;
        line += size + (line [size] == '\r' && line [size + 1] == '\n'? 2: 1);
    }
    cf_buf_puts (buf, "\n\n");
    return buf->overflowed? -1: 0;
}

int
cf_frame_put_retry (cf_buf_t *buf, unsigned ms)
{
    return cf_buf_printf (buf, "retry: %u\n\n", ms);
}

int
cf_frame_put_comment (cf_buf_t *buf)
{
    return cf_buf_puts (buf, ":\n\n");
}
