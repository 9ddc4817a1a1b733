/* SPDX-License-Identifier: MPL-2.0 */
/*  archive - what was put in comes out, the same bytes each time, and what is not whole is none */

#include "http-edge/archive.h"
#include "tests/support/unit.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct {
    const char *path, *content;
    int mode;
} row_t;

static const row_t s_files [] = {
    { ".env", "A=1\n", 0644 }, { "README.md", "# \xC3\x9C" "bersicht\n", 0644 }, { "empty.txt", "", 0644 },
    { "src/\xC3\xA9t\xC3\xA9/\xE9\xA3\x9F.ts", "let a = '\xF0\x9F\x98\x80';\n", 0644 }, { "src/main.py", "#!/usr/bin/env python3\n", 0755 },
    { "src/run.sh", "echo\n", 0755 }, { "src/sh", "#", 0644 }
};
#define FILES (sizeof s_files / sizeof s_files [0])

/*  An archive of all of s_files and one of size bytes that is put in in parts of part bytes. */
static void
s_write (cf_archive_format_t format, cf_buf_t *out, size_t size, size_t part, bool whole)
{
    cf_error_t error = { 0 };
    cf_buf_init (out, CF_ARCHIVE_OUT_MAX);
    cf_archive_t *archive = cf_archive_new (format, out, &error);
    ck_assert_msg (archive != NULL, "%s", error.text);
    for (const row_t *file = s_files; file < s_files + FILES; file++) {
        size_t length = strlen (file->content);
        ck_assert_int_eq (cf_archive_begin (archive, file->path, length, cf_archive_is_script (file->path, file->content), &error), 0);
        ck_assert_int_eq (cf_archive_put (archive, file->content, length, &error), 0);
    }
    char *large = malloc (size + 1);
    for (size_t at = 0; at < size; at++)
        large [at] = (char) ('a' + at * at / 7 % 26);
    ck_assert_int_eq (cf_archive_begin (archive, "src/zlarge", size, false, &error), 0);
    for (size_t at = 0; at < size; at += part)
        ck_assert_int_eq (cf_archive_put (archive, large + at, size - at < part? size - at: part, &error), 0);
    if (whole)
        ck_assert_int_eq (cf_archive_close (archive, &error), 0);
    cf_archive_destroy (&archive);
    cf_archive_destroy (&archive);
    free (large);
}

static struct archive *
s_open (const cf_buf_t *bytes)
{
    struct archive *reader = archive_read_new ();
    archive_read_support_filter_gzip (reader);
    archive_read_support_format_tar (reader);
    archive_read_support_format_zip_seekable (reader);
    if (archive_read_open_memory (reader, bytes->bytes, bytes->size) == ARCHIVE_OK)
        return reader;
    archive_read_free (reader);
    return NULL;
}

static void
s_check_entry (struct archive_entry *entry, const char *path, int mode, bool zip)
{
    ck_assert_str_eq (archive_entry_pathname (entry), path);
    ck_assert_int_eq (archive_entry_mode (entry), AE_IFREG | (unsigned) mode);
    ck_assert_int_eq (archive_entry_uid (entry) + archive_entry_gid (entry), 0);
    if (!zip) {
        ck_assert_int_eq (archive_entry_mtime (entry), 315532800);
        ck_assert (!archive_entry_uname (entry) || !*archive_entry_uname (entry));
    }
}

START_TEST (what_goes_in_comes_out)
{
    setlocale (LC_ALL, "C.UTF-8");      /* the reader's names */
    for (cf_archive_format_t format = CF_ARCHIVE_ZIP; format <= CF_ARCHIVE_TAR_GZ; format++) {
        cf_buf_t bytes;
        s_write (format, &bytes, 300000, 32768, true);
        struct archive *reader = s_open (&bytes);
        ck_assert_ptr_nonnull (reader);
        struct archive_entry *entry;
        char content [128];
        for (const row_t *file = s_files; file < s_files + FILES; file++) {
            ck_assert_int_eq (archive_read_next_header (reader, &entry), ARCHIVE_OK);
            s_check_entry (entry, file->path, file->mode, format == CF_ARCHIVE_ZIP);
            la_ssize_t size = archive_read_data (reader, content, sizeof content - 1);
            ck_assert_int_ge (size, 0);
            content [size] = 0;
            ck_assert_str_eq (content, file->content);
        }
        ck_assert_int_eq (archive_read_next_header (reader, &entry), ARCHIVE_OK);
        ck_assert_int_eq (archive_entry_size (entry), 300000);
        ck_assert_int_eq (archive_read_next_header (reader, &entry), ARCHIVE_EOF);
        archive_read_free (reader);
        cf_buf_free (&bytes);
    }
}
END_TEST

START_TEST (the_same_files_are_the_same_bytes)
{
    static const char *const zones [] = { "UTC", "XXX+12", "XXX-14", "America/New_York" };
    for (cf_archive_format_t format = CF_ARCHIVE_ZIP; format <= CF_ARCHIVE_TAR_GZ; format++) {
        cf_buf_t first, again;
        s_write (format, &first, 200000, 1000, true);
        for (size_t at = 0; at < sizeof zones / sizeof zones [0]; at++) {
            setenv ("TZ", zones [at], 1);
            tzset ();
            setlocale (LC_ALL, at % 2? "C.UTF-8": "C");
            s_write (format, &again, 200000, at? 65536: 1, true);
            ck_assert_uint_eq (first.size, again.size);
            ck_assert_mem_eq (first.bytes, again.bytes, first.size);
            cf_buf_free (&again);
        }
        if (format == CF_ARCHIVE_TAR_GZ)
            ck_assert_mem_eq (first.bytes, "\x1f\x8b\x08\0\0\0\0\0", 8);
        cf_buf_free (&first);
    }
}
END_TEST

START_TEST (what_is_not_closed_has_no_end)
{
    for (cf_archive_format_t format = CF_ARCHIVE_ZIP; format <= CF_ARCHIVE_TAR_GZ; format++) {
        cf_buf_t bytes;
        s_write (format, &bytes, 300000, 32768, false);
        size_t before = bytes.size;
        struct archive *reader = s_open (&bytes);
        struct archive_entry *entry;
        int result = ARCHIVE_OK;
        while (reader && result == ARCHIVE_OK)
            if ((result = archive_read_next_header (reader, &entry)) == ARCHIVE_OK)
                result = archive_read_data_skip (reader);
        ck_assert_msg (!reader || result < ARCHIVE_WARN, "read as if it were whole: %d", result);
        archive_read_free (reader);
        ck_assert_uint_eq (bytes.size, before);
        cf_buf_free (&bytes);
    }
}
END_TEST

START_TEST (failures_stay)
{
    cf_error_t error = { 0 };
    cf_buf_t out;
    cf_buf_init (&out, 100);
    cf_archive_t *archive = cf_archive_new (CF_ARCHIVE_ZIP, &out, &error);
    ck_assert_int_eq (cf_archive_begin (archive, "a", 4, false, &error), 0);
    ck_assert_int_eq (cf_archive_put (archive, "abcd", 4, &error), 0);
    out.max = out.size;
    ck_assert_int_eq (cf_archive_begin (archive, "b", 4, false, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INTERNAL);
    out.max = 100000;
    ck_assert_int_eq (cf_archive_begin (archive, "c", 4, false, &error), -1);
    ck_assert_int_eq (cf_archive_close (archive, &error), -1);
    cf_archive_destroy (&archive);
    cf_buf_free (&out);
}
END_TEST

START_TEST (files_are_counted)
{
    cf_error_t error = { 0 };
    cf_buf_t out;
    char path [32];
    cf_buf_init (&out, CF_ARCHIVE_OUT_MAX);
    cf_archive_t *archive = cf_archive_new (CF_ARCHIVE_ZIP, &out, &error);
    for (unsigned at = 0; at < CF_ARCHIVE_FILES_MAX; at++) {
        snprintf (path, sizeof path, "src/%u", at);
        ck_assert_int_eq (cf_archive_begin (archive, path, 0, false, &error), 0);
        cf_buf_reset (&out);
    }
    ck_assert_int_eq (cf_archive_begin (archive, "src/more", 0, false, &error), -1);
    cf_archive_destroy (&archive);
    cf_buf_free (&out);
}
END_TEST

START_TEST (scripts_are_known)
{
    ck_assert (cf_archive_is_script ("src/a.sh", ""));
    ck_assert (cf_archive_is_script ("a", "#!/bin/sh"));
    ck_assert (!cf_archive_is_script (".sh", ""));
    ck_assert (!cf_archive_is_script ("a.shx", " #!/bin/sh"));
}
END_TEST

UNIT_MAIN ("archive", what_goes_in_comes_out, the_same_files_are_the_same_bytes, what_is_not_closed_has_no_end, failures_stay,
           files_are_counted, scripts_are_known)
