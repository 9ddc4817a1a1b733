/* SPDX-License-Identifier: MPL-2.0 */
/*  exports - the real process and a double of the store: whole or broken, never faster than its client, never for nobody */

#include "http-edge/archive.h"
#include "http-edge/download.h"
#include "tests/unit/http-edge/client.h"
#include "tests/unit/http-edge/double.h"

#include <archive.h>
#include <archive_entry.h>

#define LAST_CHUNK "\r\n0\r\n\r\n"
#define ALL_PAGES_BYTES ((size_t) DOUBLE_PAGES_COUNT * DOUBLE_PAGE_FILES * DOUBLE_PAGE_FILE_BYTES)

static double_world_t s_double;

static void
s_set_up (void)
{
    double_start (&s_double);
    client_await (s_double.port, "/health/ready", 200);
}

/*  The edge must have ended well, with nothing for a sanitizer to say. */
static void
s_tear_down (void)
{
    int status = double_stop (&s_double);
    ck_assert_msg (WIFEXITED (status) && WEXITSTATUS (status) == 0, "the edge ended with %d", status);
}

/*  A connection on which the archive of scene was asked for. */
static int
s_ask (const char *method, double_scene_t scene, const char *query, const char *headers)
{
    char request [2048];
    int fd = client_connect (s_double.port);
    int size = snprintf (request, sizeof request, "%s /v1/projects/%s/export/archive%s HTTP/1.1\r\nHost: a\r\n%sAuthorization: Bearer %s\r\n\r\n",
                         method, double_job (scene), query, headers, double_token ());
    client_send (fd, request, (size_t) size);
    return fd;
}

static void
s_read_all (int fd, cf_buf_t *bytes)
{
    while (client_more (fd, bytes) == 0)
        ;
    close (fd);
}

static bool
s_ends_with (const cf_buf_t *bytes, const char *end)
{
    size_t size = strlen (end);
    return bytes->size >= size && memcmp (bytes->bytes + bytes->size - size, end, size) == 0;
}

/*  Takes the chunked body out of a whole answer, in place. */
static cf_buf_t
s_body (const cf_buf_t *answer)
{
    cf_buf_t body;
    cf_buf_init (&body, 64u << 20);
    const char *at = strstr (answer->bytes, "\r\n\r\n") + 4;
    size_t size;
    while ((size = strtoul (at, NULL, 16))) {
        at = strstr (at, "\r\n") + 2;
        ck_assert (at + size <= answer->bytes + answer->size);
        cf_buf_append (&body, at, size);
        at += size + 2;
    }
    return body;
}

static void
s_check_files (const cf_buf_t *body)
{
    struct archive *reader = archive_read_new ();
    struct archive_entry *entry;
    unsigned count = 0;
    archive_read_support_filter_gzip (reader);
    archive_read_support_format_tar (reader);
    archive_read_support_format_zip_seekable (reader);
    ck_assert_int_eq (archive_read_open_memory (reader, body->bytes, body->size), ARCHIVE_OK);
    for (; archive_read_next_header (reader, &entry) == ARCHIVE_OK; count++) {
        char path [32];
        static char content [DOUBLE_PAGE_FILE_BYTES + 1];
        snprintf (path, sizeof path, "src/%08u", count);
        ck_assert_str_eq (archive_entry_pathname (entry), path);
        ck_assert_int_eq (archive_read_data (reader, content, sizeof content), DOUBLE_PAGE_FILE_BYTES);
    }
    ck_assert_uint_eq (count, DOUBLE_PAGES_COUNT * DOUBLE_PAGE_FILES);
    archive_read_free (reader);
}

START_TEST (an_archive_comes_whole)
{
    static const struct { const char *query, *type, *name; } kinds [] = {
        { "", "application/zip", "attachment; filename=\"a-page.zip\"; filename*=UTF-8''A%20p%C3%A4ge.zip" },
        { "?format=zip", "application/zip", "attachment; filename=\"a-page.zip\"; filename*=UTF-8''A%20p%C3%A4ge.zip" },
        { "?format=tar.gz", "application/gzip", "attachment; filename=\"a-page.tar.gz\"; filename*=UTF-8''A%20p%C3%A4ge.tar.gz" }
    };
    for (size_t at = 0; at < sizeof kinds / sizeof kinds [0]; at++) {
        cf_buf_t bytes;
        cf_buf_init (&bytes, 64u << 20);
        s_read_all (s_ask ("GET", DOUBLE_PAGES, kinds [at].query, "Connection: close\r\n"), &bytes);
        ck_assert (s_ends_with (&bytes, LAST_CHUNK));
        client_answer_t answer = { .head = bytes.bytes, .body = strstr (bytes.bytes, "\r\n\r\n") + 4 };
        ck_assert_str_eq (client_header (&answer, "content-type"), kinds [at].type);
        ck_assert_str_eq (client_header (&answer, "content-disposition"), kinds [at].name);
        ck_assert_str_eq (client_header (&answer, "cache-control"), "no-store");
        cf_buf_t body = s_body (&bytes);
        s_check_files (&body);
        cf_buf_free (&body);
        cf_buf_free (&bytes);
    }
}
END_TEST

START_TEST (a_head_has_no_body)
{
    cf_buf_t bytes;
    cf_buf_init (&bytes, 1u << 20);
    s_read_all (s_ask ("HEAD", DOUBLE_PAGES_ENDLESS, "", "Connection: close\r\n"), &bytes);
    ck_assert_int_eq (strncmp (bytes.bytes, "HTTP/1.1 200 ", 13), 0);
    ck_assert (s_ends_with (&bytes, "\r\n\r\n") && strstr (bytes.bytes, "\r\n\r\n") == bytes.bytes + bytes.size - 4);
    cf_buf_free (&bytes);
}
END_TEST

START_TEST (refusals_come_before_the_first_byte)
{
    static const struct { double_scene_t scene; const char *query; int status; const char *text; } refusals [] = {
        { DOUBLE_PAGES, "?format=rar", 400, "\"field\":\"format\"" }, { DOUBLE_UNKNOWN, "", 404, "RESOURCE_NOT_FOUND" },
        { DOUBLE_DATABASE, "", 503, "EXTERNAL_SERVICE_ERROR" }, { DOUBLE_SECRETIVE, "", 500, "INTERNAL_ERROR" }
    };
    for (size_t at = 0; at < sizeof refusals / sizeof refusals [0]; at++) {
        int fd = s_ask ("GET", refusals [at].scene, refusals [at].query, "");
        client_answer_t answer = client_read (fd);
        ck_assert_int_eq (answer.status, refusals [at].status);
        ck_assert_msg (strstr (answer.body, refusals [at].text) && !strstr (answer.body, "secret"), "%s", answer.body);
        client_free (&answer);
        close (fd);
    }
}
END_TEST

/*  What was there before the failure must not be taken for an archive: neither by HTTP nor by who opens it. */
START_TEST (a_broken_one_shows)
{
    for (int old = 0; old < 2; old++) {
        cf_buf_t bytes;
        char request [2048];
        cf_buf_init (&bytes, 64u << 20);
        int fd = client_connect (s_double.port);
        int size = snprintf (request, sizeof request, "GET /v1/projects/%s/export/archive HTTP/1.%d\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n",
                             double_job (DOUBLE_PAGES_BROKEN), old? 0: 1, double_token ());
        client_send (fd, request, (size_t) size);
        s_read_all (fd, &bytes);
        ck_assert_int_eq (strncmp (bytes.bytes, "HTTP/1.1 200 ", 13), 0);
        ck_assert (!s_ends_with (&bytes, LAST_CHUNK));
        ck_assert_msg (!memmem (bytes.bytes, bytes.size, "PK\5\6", 4), "it has a ZIP's end");
        cf_buf_free (&bytes);
    }
}
END_TEST

static unsigned
s_pages (void)
{
    char path [100], headers [1200];
    snprintf (path, sizeof path, "/v1/projects/%s", double_job (DOUBLE_PAGES_ENDLESS));
    snprintf (headers, sizeof headers, "Authorization: Bearer %s\r\n", double_token ());
    client_answer_t answer = client_ask (s_double.port, "GET", path, headers, NULL);
    ck_assert_int_eq (answer.status, 200);
    unsigned pages = (unsigned) atoi (strchr (answer.body, ':') + 1);
    client_free (&answer);
    return pages;
}

/*  Pages asked for when no more are for half a second. */
static unsigned
s_pages_at_rest (void)
{
    unsigned last = s_pages (), same = 0;
    for (unsigned now = last; same < 10; last = now) {
        poll (NULL, 0, 50);
        now = s_pages ();
        same = now == last? same + 1: 0;
    }
    return last;
}

/*  A client that does not read lets the store rest, however much there is; then it reads on. */
START_TEST (no_faster_than_its_client)
{
    cf_buf_t bytes;
    cf_buf_init (&bytes, 256u << 20);
    int fd = s_ask ("GET", DOUBLE_PAGES_ENDLESS, "", "");
    ck_assert (client_until (fd, &bytes, "\r\n\r\n"));
    unsigned before = s_pages_at_rest ();
    ck_assert_uint_gt (before, 0);
    ck_assert_uint_lt (before, 200);            /* what the kernel holds for the client, not 240 KB a page for ever */
    while (bytes.size < (size_t) before * DOUBLE_PAGE_FILES * DOUBLE_PAGE_FILE_BYTES)
        ck_assert_int_eq (client_more (fd, &bytes), 0);
    ck_assert_uint_gt (s_pages_at_rest (), before);
    close (fd);
    cf_buf_free (&bytes);
}
END_TEST

/*  One user has so many places; a client that leaves gives its own back, and nothing is read for it any more. */
START_TEST (places_are_given_back)
{
    int fds [CF_DOWNLOAD_MAX_PER_USER];
    cf_buf_t bytes;
    cf_buf_init (&bytes, 1u << 20);
    for (size_t at = 0; at < CF_DOWNLOAD_MAX_PER_USER; at++) {
        fds [at] = s_ask ("GET", DOUBLE_PAGES_ENDLESS, "", "");
        cf_buf_reset (&bytes);
        ck_assert (client_until (fds [at], &bytes, "\r\n\r\n"));
        ck_assert_int_eq (strncmp (bytes.bytes, "HTTP/1.1 200 ", 13), 0);
    }
    int more = s_ask ("GET", DOUBLE_PAGES, "", "");
    client_answer_t answer = client_read (more);
    ck_assert_int_eq (answer.status, 503);
    ck_assert_str_eq (client_header (&answer, "retry-after"), "5");
    client_free (&answer);
    close (more);
    s_pages_at_rest ();
    for (size_t at = 0; at < CF_DOWNLOAD_MAX_PER_USER; at++)
        close (fds [at]);
    uint64_t due_ms = cf_clock_ms () + 20000;
    bool whole = false;
    while (!whole && cf_clock_ms () < due_ms) {
        cf_buf_t all;
        cf_buf_init (&all, 64u << 20);
        s_read_all (s_ask ("GET", DOUBLE_PAGES, "", "Connection: close\r\n"), &all);
        whole = s_ends_with (&all, LAST_CHUNK) && all.size > ALL_PAGES_BYTES / 2;
        cf_buf_free (&all);
    }
    ck_assert (whole);
    cf_buf_free (&bytes);
}
END_TEST

/*  An edge that is told to stop breaks off what it cannot finish. */
START_TEST (stopping_breaks_it_off)
{
    cf_buf_t bytes;
    cf_buf_init (&bytes, 256u << 20);
    int fd = s_ask ("GET", DOUBLE_PAGES_ENDLESS, "", "");
    ck_assert (client_until (fd, &bytes, "\r\n\r\n"));
    int status = double_end (s_double.edge, SIGTERM);
    s_double.edge = 0;
    ck_assert_msg (WIFEXITED (status) && WEXITSTATUS (status) == 0, "the edge ended with %d", status);
    s_read_all (fd, &bytes);
    ck_assert (!s_ends_with (&bytes, LAST_CHUNK));
    cf_buf_free (&bytes);
}
END_TEST

int
main (void)
{
    const TTest *tests [] = {
        an_archive_comes_whole, a_head_has_no_body, refusals_come_before_the_first_byte, a_broken_one_shows, no_faster_than_its_client,
        places_are_given_back, stopping_breaks_it_off
    };
    Suite *suite = suite_create ("exports");
    for (size_t at = 0; at < sizeof tests / sizeof tests [0]; at++) {
        TCase *one = tcase_create (tests [at]->name);
        tcase_add_checked_fixture (one, s_set_up, s_tear_down);
        tcase_set_timeout (one, 60);
        tcase_add_test (one, tests [at]);
        suite_add_tcase (suite, one);
    }
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_NORMAL);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed? EXIT_FAILURE: EXIT_SUCCESS;
}
