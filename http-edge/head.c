/* SPDX-License-Identifier: MPL-2.0 */
/*  head - picohttpparser, which libh2o contains and exports, without a header file of it */

#include "http-edge/head.h"

#include <h2o.h>

#define CF_HEAD_LINES_MAX 4096          /* more than fit into the heads that we take */

struct phr_header {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

/*  Bytes of the head; -1: broken, -2: incomplete (https://github.com/h2o/picohttpparser). */
extern int phr_parse_request (const char *bytes, size_t size, const char **method, size_t *method_size, const char **path, size_t *path_size,
                              int *minor_version, struct phr_header *headers, size_t *header_count, size_t last_size);

static int
s_parse (const char *bytes, size_t size, size_t seen, size_t lines)
{
    static struct phr_header headers [CF_HEAD_LINES_MAX];
    const char *method, *path;
    size_t method_size, path_size, count = lines;
    int minor_version;
    return phr_parse_request (bytes, size, &method, &method_size, &path, &path_size, &minor_version, headers, &count, seen);
}

cf_head_t
cf_head_look (const char *bytes, size_t size, size_t seen)
{
    int result = s_parse (bytes, size, seen, H2O_MAX_HEADERS);
    if (result == -1)
        return s_parse (bytes, size, 0, CF_HEAD_LINES_MAX) == -1? CF_HEAD_BROKEN: CF_HEAD_CROWDED;
    if (result == -2)
        return size > CF_HEAD_MAX_BYTES? CF_HEAD_CROWDED: CF_HEAD_PART;
    return CF_HEAD_WHOLE;
}
