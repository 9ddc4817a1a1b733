/* SPDX-License-Identifier: MPL-2.0 */
/*  archive - libarchive, told to write nothing that is of this machine or moment
 *
 *  libarchive takes names for text in the thread's character set, which is ASCII in this process: it gets UTF-8 for as long as a
 *  call lasts. It frees what compresses only where it ends an archive well (3.6.2), so every archive is ended well, and what should
 *  not be seen of that is thrown away: it is told of no failure of ours, and the end of one that is not whole goes nowhere.
 */

#include "http-edge/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define CF_ARCHIVE_EPOCH 315532800      /* 1980-01-01T00:00:00Z */

struct cf_archive_t {
    struct archive *writer;
    struct archive_entry *entry;        /* used again for each file */
    locale_t utf8;
    cf_archive_format_t format;
    cf_buf_t *out;                      /* borrowed */
    size_t files;
    bool ending;                        /* bytes go nowhere */
    bool lost;                          /* something is missing in out */
};

static la_ssize_t
s_on_bytes (struct archive *writer, void *arg, const void *bytes, size_t size)
{
    (void) writer;
    cf_archive_t *self = arg;
    if (!self->ending && cf_buf_append (self->out, bytes, size))
        self->lost = true;
    return (la_ssize_t) size;
}

/*  Sets it up; false where libarchive cannot do that. */
static bool
s_open (cf_archive_t *self)
{
    struct archive *writer = self->writer;
    bool zip = self->format == CF_ARCHIVE_ZIP;
    bool ready = zip? archive_write_set_format_zip (writer) == ARCHIVE_OK && archive_write_zip_set_compression_deflate (writer) == ARCHIVE_OK
        : archive_write_add_filter_gzip (writer) == ARCHIVE_OK && archive_write_set_format_pax_restricted (writer) == ARCHIVE_OK
        && archive_write_set_filter_option (writer, "gzip", "timestamp", NULL) == ARCHIVE_OK;
    return ready && archive_write_set_bytes_per_block (writer, 0) == ARCHIVE_OK     /* no padding, nothing held back */
        && archive_write_open (writer, self, NULL, s_on_bytes, NULL) == ARCHIVE_OK;
}

cf_archive_t *
cf_archive_new (cf_archive_format_t format, cf_buf_t *out, cf_error_t *error)
{
    cf_archive_t *self = calloc (1, sizeof *self);
    if (self) {
        self->format = format;
        self->out = out;
        self->writer = archive_write_new ();
        self->entry = archive_entry_new ();
        self->utf8 = newlocale (LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);
    }
    if (!self || !self->writer || !self->entry || !self->utf8 || !s_open (self)) {
        cf_error_set (error, CF_ERROR_INTERNAL, "cannot begin an archive: %s",
                      self && self->writer && archive_error_string (self->writer)? archive_error_string (self->writer): "out of memory");
        cf_archive_destroy (&self);
    }
    return self;
}

void
cf_archive_destroy (cf_archive_t **self_p)
{
    cf_archive_t *self = *self_p;
    if (!self)
        return;
    self->ending = true;
    archive_write_free (self->writer);
    archive_entry_free (self->entry);
    if (self->utf8)
        freelocale (self->utf8);
    free (self);
    *self_p = NULL;
}

/*  A warning is a failure, too: something would not be as it was meant. */
static int
s_judge (cf_archive_t *self, bool good, cf_error_t *error)
{
    if (good && !self->lost)
        return 0;
    const char *reason = archive_error_string (self->writer);
    self->lost = true;
    return cf_error_set (error, CF_ERROR_INTERNAL, "cannot write an archive: %s", reason? reason: "there is no room for it");
}

int
cf_archive_begin (cf_archive_t *self, const char *path, size_t size, bool executable, cf_error_t *error)
{
    if (self->files++ >= CF_ARCHIVE_FILES_MAX)
        return cf_error_set (error, CF_ERROR_INVALID, "an archive holds at most %u files", CF_ARCHIVE_FILES_MAX);
    locale_t before = uselocale (self->utf8);
    archive_entry_clear (self->entry);
    archive_entry_set_filetype (self->entry, AE_IFREG);
    archive_entry_set_perm (self->entry, executable? 0755: 0644);
    archive_entry_set_size (self->entry, (la_int64_t) size);
    archive_entry_set_pathname (self->entry, path);
    if (self->format != CF_ARCHIVE_ZIP)         /* which without a time has the earliest there is, in every time zone */
        archive_entry_set_mtime (self->entry, CF_ARCHIVE_EPOCH, 0);
    int result = archive_write_header (self->writer, self->entry);
    uselocale (before);
    return s_judge (self, result == ARCHIVE_OK, error);
}

int
cf_archive_put (cf_archive_t *self, const void *bytes, size_t size, cf_error_t *error)
{
    return s_judge (self, archive_write_data (self->writer, bytes, size) == (la_ssize_t) size, error);
}

int
cf_archive_close (cf_archive_t *self, cf_error_t *error)
{
    locale_t before = uselocale (self->utf8);
    int result = archive_write_close (self->writer);
    uselocale (before);
    return s_judge (self, result == ARCHIVE_OK, error);
}

bool
cf_archive_is_script (const char *path, const char *content)
{
    size_t size = strlen (path);
    return strncmp (content, "#!", 2) == 0 || (size > 3 && strcmp (path + size - 3, ".sh") == 0);
}
