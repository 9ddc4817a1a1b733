/* SPDX-License-Identifier: MPL-2.0 */
/*  unpack - libarchive reads, and writes nothing: what becomes of a file is the caller's business */

#include "ops/cli/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdlib.h>

#define CF_UNPACK_READ_BYTES 65536u

static int
s_fail (struct archive *reader, cf_error_t *error)
{
    const char *reason = archive_error_string (reader);
    return cf_error_set (error, CF_ERROR_INVALID, "the archive cannot be read: %s.", reason? reason: "it is broken");
}

static int
s_take (struct archive *reader, struct archive_entry *entry, cf_unpack_fn *fn, void *arg, cf_error_t *error)
{
    const char *path = archive_entry_pathname (entry);
    la_int64_t size = archive_entry_size (entry);
    if (!path || archive_entry_filetype (entry) != AE_IFREG || archive_entry_hardlink (entry) || size < 0 || size > CF_UNPACK_FILE_MAX)
        return cf_error_set (error, CF_ERROR_INVALID, "the archive holds something that is no file of a project.");
    char *content = malloc ((size_t) size + 1);
    if (!content)
        return cf_error_set (error, CF_ERROR_INTERNAL, "out of memory.");
    int result = archive_read_data (reader, content, (size_t) size) == size
        ? fn (arg, path, content, (size_t) size, archive_entry_perm (entry) & 0100, error): s_fail (reader, error);
    free (content);
    return result;
}

int
cf_unpack (int fd, cf_unpack_fn *fn, void *arg, cf_error_t *error)
{
    locale_t utf8 = newlocale (LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0), before = utf8? uselocale (utf8): (locale_t) 0;
    struct archive *reader = archive_read_new ();
    struct archive_entry *entry;
    int result = -1, state = ARCHIVE_FATAL;
    if (!utf8 || !reader)
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory.");
    else if (archive_read_support_filter_gzip (reader) != ARCHIVE_OK || archive_read_support_format_tar (reader) != ARCHIVE_OK
             || archive_read_open_fd (reader, fd, CF_UNPACK_READ_BYTES) != ARCHIVE_OK)
        s_fail (reader, error);
    else {
        for (result = 0; result == 0 && (state = archive_read_next_header (reader, &entry)) == ARCHIVE_OK;)
            result = s_take (reader, entry, fn, arg, error);
        if (result == 0 && state != ARCHIVE_EOF)
            result = s_fail (reader, error);
    }
    archive_read_free (reader);
    if (utf8) {
        uselocale (before);
        freelocale (utf8);
    }
    return result;
}
