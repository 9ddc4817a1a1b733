/* SPDX-License-Identifier: MPL-2.0 */
/*  unpack - files and nothing else, from a whole archive and no other */

#include "ops/cli/unpack.c"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct {
    const char *path, *content, *link;
    int type, mode;
} row_t;

static char s_seen [1000];

static int
s_see (void *arg, const char *path, const void *content, size_t size, bool executable, cf_error_t *error)
{
    (void) arg;
    size_t filled = strlen (s_seen);
    snprintf (s_seen + filled, sizeof s_seen - filled, "%s%s=%.*s;", path, executable? "*": "", (int) size, (const char *) content);
    return strcmp (path, "stop")? 0: cf_error_set (error, CF_ERROR_INVALID, "enough");
}

/*  A gzipped tar of rows in a file of its own, cut off after keep bytes (0: whole). */
static int
s_pack (const row_t *rows, size_t count, off_t keep)
{
    int fd = memfd_create ("archive", MFD_CLOEXEC);
    struct archive *writer = archive_write_new ();
    archive_write_add_filter_gzip (writer);
    archive_write_set_format_pax_restricted (writer);
    archive_write_open_fd (writer, fd);
    for (size_t at = 0; at < count; at++) {
        struct archive_entry *entry = archive_entry_new ();
        archive_entry_set_pathname (entry, rows [at].path);
        archive_entry_set_filetype (entry, (unsigned) rows [at].type);
        archive_entry_set_perm (entry, (mode_t) rows [at].mode);
        size_t size = rows [at].content? strlen (rows [at].content): 0;
        archive_entry_set_size (entry, (la_int64_t) size);
        if (rows [at].link && rows [at].type == AE_IFLNK)
            archive_entry_set_symlink (entry, rows [at].link);
        else if (rows [at].link)
            archive_entry_set_hardlink (entry, rows [at].link);
        ck_assert_int_eq (archive_write_header (writer, entry), ARCHIVE_OK);
        archive_write_data (writer, rows [at].content, size);
        archive_entry_free (entry);
    }
    ck_assert_int_eq (archive_write_free (writer), ARCHIVE_OK);
    if (keep)
        ck_assert_int_eq (ftruncate (fd, keep), 0);
    lseek (fd, 0, SEEK_SET);
    return fd;
}

static int
s_unpack (const row_t *rows, size_t count, off_t keep, cf_error_t *error)
{
    *s_seen = 0;
    int fd = s_pack (rows, count, keep);
    int result = cf_unpack (fd, s_see, NULL, error);
    close (fd);
    return result;
}

START_TEST (gives_every_file)
{
    static const row_t rows [] = {
        { "README.md", "one\n", NULL, AE_IFREG, 0644 }, { "src/empty", "", NULL, AE_IFREG, 0644 }, { "src/run.sh", "two", NULL, AE_IFREG, 0755 }
    };
    cf_error_t error = { 0 };
    ck_assert_msg (s_unpack (rows, 3, 0, &error) == 0, "%s", error.text);
    ck_assert_str_eq (s_seen, "README.md=one\n;src/empty=;src/run.sh*=two;");
}
END_TEST

START_TEST (takes_nothing_else)
{
    static const row_t rows [] = {
        { "link", NULL, "/etc", AE_IFLNK, 0777 }, { "hard", NULL, "a", AE_IFREG, 0644 }, { "folder", NULL, NULL, AE_IFDIR, 0755 },
        { "pipe", NULL, NULL, AE_IFIFO, 0644 }
    };
    for (size_t at = 0; at < sizeof rows / sizeof rows [0]; at++) {
        cf_error_t error = { 0 };
        ck_assert_int_eq (s_unpack (&rows [at], 1, 0, &error), -1);
        ck_assert_str_eq (s_seen, "");
        ck_assert (*error.text);
    }
}
END_TEST

START_TEST (bounds_files)
{
    cf_error_t error = { 0 };
    char *large = malloc (CF_UNPACK_FILE_MAX + 2);
    memset (large, 'x', CF_UNPACK_FILE_MAX + 1);
    large [CF_UNPACK_FILE_MAX + 1] = 0;
    ck_assert_int_eq (s_unpack (&(row_t) { "a", large, NULL, AE_IFREG, 0644 }, 1, 0, &error), -1);
    ck_assert_int_eq (s_unpack (&(row_t) { "a", large + 1, NULL, AE_IFREG, 0644 }, 1, 0, &error), 0);
    free (large);
}
END_TEST

START_TEST (notices_what_is_cut_off)
{
    static const row_t rows [] = { { "a", "some content", NULL, AE_IFREG, 0644 }, { "b", "more of it", NULL, AE_IFREG, 0644 } };
    int fd = s_pack (rows, 2, 0);
    off_t whole = lseek (fd, 0, SEEK_END);
    close (fd);
    for (off_t keep = 1; keep < whole; keep += 7) {
        cf_error_t error = { 0 };
        ck_assert_int_eq (s_unpack (rows, 2, keep, &error), -1);
    }
}
END_TEST

START_TEST (ends_when_told)
{
    static const row_t rows [] = { { "stop", "", NULL, AE_IFREG, 0644 }, { "b", "", NULL, AE_IFREG, 0644 } };
    cf_error_t error = { 0 };
    ck_assert_int_eq (s_unpack (rows, 2, 0, &error), -1);
    ck_assert_str_eq (error.text, "enough");
    ck_assert_str_eq (s_seen, "stop=;");
}
END_TEST

UNIT_MAIN ("unpack", gives_every_file, takes_nothing_else, bounds_files, notices_what_is_cut_off, ends_when_told)
