/* SPDX-License-Identifier: MPL-2.0 */
/*  archive - files, one after another, as a ZIP or a gzipped tar (libarchive's owner)
 *
 *  The same files in the same order give the same bytes, whenever and by whom they are written: every time is 1980-01-01, the
 *  earliest that a ZIP can say (APPNOTE.TXT 4.4.6), there are no owners, and gzip's header has no time (RFC 1952, MTIME 0). What is
 *  in neither is folders of their own: whoever unpacks makes them.
 *
 *  It holds what compression looks back on, and of a ZIP the list of files that stands at its end.
 */
#ifndef CF_EDGE_ARCHIVE_H
#define CF_EDGE_ARCHIVE_H

#include "proto/base/buf.h"
#include "proto/base/error.h"

#define CF_ARCHIVE_FILES_MAX 20000u     /* of one archive */
#define CF_ARCHIVE_OUT_MAX (16u << 20)  /* what out should be able to hold: the list at the end of a ZIP of so many files comes at once */

typedef enum { CF_ARCHIVE_ZIP, CF_ARCHIVE_TAR_GZ } cf_archive_format_t;

typedef struct cf_archive_t cf_archive_t;

/*  Begins an archive whose bytes are appended to out as they come; take them away between calls. NULL with error. */
cf_archive_t *cf_archive_new (cf_archive_format_t format, cf_buf_t *out, cf_error_t *error);
/*  Frees; an archive that was not closed stays without its end. Safe twice. */
void cf_archive_destroy (cf_archive_t **self_p);

/*  Begins the next file, of size bytes, which cf_archive_put brings in any number of parts. path: UTF-8, relative, not looked at.
    Each: 0, or -1 with error, and no call succeeds any more. */
int cf_archive_begin (cf_archive_t *self, const char *path, size_t size, bool executable, cf_error_t *error);
int cf_archive_put (cf_archive_t *self, const void *bytes, size_t size, cf_error_t *error);
/*  Writes the end. */
int cf_archive_close (cf_archive_t *self, cf_error_t *error);

/*  Whether a file is a script: its path ends in .sh, or its content begins with #!. */
bool cf_archive_is_script (const char *path, const char *content);

#endif
