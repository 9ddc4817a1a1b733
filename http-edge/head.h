/* SPDX-License-Identifier: MPL-2.0 */
/*  head - whether h2o's parser will take the request line and headers that have come so far
 *
 *  What it does not take h2o answers by itself, with a line of plain text. So connection asks first, with the same parser, and says it in
 *  the API's words. (guard looks at heads that were taken, for what should not have been.)
 */
#ifndef CF_EDGE_HEAD_H
#define CF_EDGE_HEAD_H

#include <stddef.h>

#define CF_HEAD_MAX_BYTES 131072        /* without an end; one that has an end is refused by its size in its turn (CF_GUARD_HEAD_MAX) */

typedef enum {
    CF_HEAD_WHOLE,
    CF_HEAD_PART,                       /* more is to come */
    CF_HEAD_BROKEN,                     /* is not HTTP/1 */
    CF_HEAD_CROWDED,                    /* has more headers than h2o takes, or no end within the maximum */
} cf_head_t;

/*  seen: how many of the bytes were there when it was last a part; 0 at first. */
cf_head_t cf_head_look (const char *bytes, size_t size, size_t seen);

#endif
