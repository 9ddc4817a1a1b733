/* SPDX-License-Identifier: MPL-2.0 */
/*  filename - how a browser is told to keep an answer as a file: Content-Disposition (RFC 6266) */
#ifndef CF_EDGE_FILENAME_H
#define CF_EDGE_FILENAME_H

#include "proto/base/buf.h"

#define CF_FILENAME_POINTS 80           /* most characters of a title in a name */

/*  Appends `attachment; filename="a-title.zip"`: the title's slug (proto/base/slug.h) and extension. A title with characters beyond ASCII is
    there a second time, as filename*, in which they stay (RFC 8187): on one line, without what no file system takes, what would
    reorder the text or hide the extension. title: UTF-8 of any kind. */
void cf_filename_put (const char *title, const char *extension, cf_buf_t *out);

#endif
