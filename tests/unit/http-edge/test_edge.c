/* SPDX-License-Identifier: MPL-2.0 */
/*  edge - the real process, asked over real connections, with doubles of the actors behind a real broker */

#include "tests/unit/http-edge/client.h"
#include "tests/unit/http-edge/double.h"

#define PROJECT "2f0e8a52-5f0c-4b1e-9c7d-3a4b5c6d7e8f"
#define RUN "{\"project_id\":\"" PROJECT "\",\"agent_type\":\"research\",\"input_context\":{\"user_idea\":\"soon\"}}"

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

static const char *
s_bearer (void)
{
    static char header [1200];
    snprintf (header, sizeof header, "Authorization: Bearer %s\r\n", double_token ());
    return header;
}

/*  Asks with a token and checks status and that each of the texts stands in the answer's body. */
static void
s_expect (const char *method, const char *path, const char *body, int status, const char *text)
{
    client_answer_t answer = client_ask (s_double.port, method, path, s_bearer (), body);
    ck_assert_msg (answer.status == status, "%s %s: %d %s", method, path, answer.status, answer.body? answer.body: "");
    ck_assert_msg (strstr (answer.body, text) != NULL, "%s %s: %s", method, path, answer.body);
    ck_assert_str_ne (client_header (&answer, "x-request-id"), "");
    ck_assert_str_eq (client_header (&answer, "x-content-type-options"), "nosniff");
    client_free (&answer);
}

/*  Without a token, with headers of the caller's. */
static void
s_expect_bare (const char *method, const char *path, const char *headers, const char *body, int status, const char *error)
{
    client_answer_t answer = client_ask (s_double.port, method, path, headers, body);
    char wanted [64];
    snprintf (wanted, sizeof wanted, "{\"error\":\"%s\"", error);
    ck_assert_msg (answer.status == status && strncmp (answer.body, wanted, strlen (wanted)) == 0, "%s %s %s: %d %s", method, path, headers,
                   answer.status, answer.body? answer.body: "");
    client_free (&answer);
}

START_TEST (judges_in_order)
{
    const char *csrf = "Cookie: csrf_token=abc\r\nX-CSRF-Token: abc\r\n";
    s_expect_bare ("POST", "/v1/nowhere", "", "{}", 404, "NOT_FOUND");
    s_expect_bare ("DELETE", "/v1/run-agent", "", NULL, 405, "METHOD_NOT_ALLOWED");
    s_expect_bare ("POST", "/v1/run-agent", "", "{}", 403, "CSRF_VALIDATION_FAILED");
    s_expect_bare ("POST", "/v1/run-agent", "Cookie: csrf_token=abc\r\nX-CSRF-Token: abd\r\n", "{}", 403, "CSRF_VALIDATION_FAILED");
    s_expect_bare ("POST", "/v1/run-agent", "Cookie: csrf_token=\r\nX-CSRF-Token: \r\n", "{}", 403, "CSRF_VALIDATION_FAILED");
    s_expect_bare ("POST", "/v1/run-agent", csrf, "{}", 401, "AUTHENTICATION_ERROR");
    s_expect_bare ("POST", "/v1/run-agent", "Authorization: Bearer x\r\n", "{}", 401, "AUTHENTICATION_ERROR");
    s_expect_bare ("GET", "/v1/jobs/x", "", NULL, 401, "AUTHENTICATION_ERROR");
    s_expect ("GET", "/v1/jobs/x", NULL, 400, "{\"field\":\"job_id\",\"reason\":\"must be a UUID\"}");
    s_expect ("GET", "/v1/projects/x/files/src/../a", NULL, 400, "\"field\":\"project_id\"");
    s_expect ("GET", "/v1/projects/" PROJECT "/files/src/%2e%2e/a", NULL, 400, "\"field\":\"path\"");
    s_expect ("POST", "/v1/run-agent", "{", 422, "\"field\":\"\"");
    s_expect ("POST", "/v1/run-agent", "{}", 422, "\"field\":\"agent_type\"");
    s_expect ("GET", "/v1/projects/?page=0", NULL, 400, "\"field\":\"page\"");
    s_expect ("GET", "/v1/projects/?page_size=51", NULL, 400, "\"field\":\"page_size\"");
    s_expect ("GET", "/v1/projects/?mode=x", NULL, 400, "\"field\":\"mode\"");
}
END_TEST

START_TEST (speaks_about_its_methods)
{
    client_answer_t answer = client_ask (s_double.port, "PATCH", "/v1/projects/", "", NULL);
    ck_assert_int_eq (answer.status, 405);
    ck_assert_str_eq (client_header (&answer, "allow"), "GET, HEAD, POST, OPTIONS");
    client_free (&answer);
    answer = client_ask (s_double.port, "OPTIONS", "/v1/run-agent", "", NULL);
    ck_assert_int_eq (answer.status, 204);
    ck_assert_str_eq (client_header (&answer, "allow"), "POST, OPTIONS");
    client_free (&answer);
    answer = client_ask (s_double.port, "HEAD", "/health", "", NULL);
    ck_assert_int_eq (answer.status, 200);
    ck_assert_str_eq (answer.body, "");
    client_free (&answer);
}
END_TEST

START_TEST (allows_origins)
{
    const char *ask = "Access-Control-Request-Method: POST\r\n";
    char headers [256];
    snprintf (headers, sizeof headers, "Origin: http://localhost:3000\r\n%s", ask);
    client_answer_t answer = client_ask (s_double.port, "OPTIONS", "/v1/run-agent", headers, NULL);
    ck_assert_int_eq (answer.status, 204);
    ck_assert_str_eq (client_header (&answer, "access-control-allow-origin"), "http://localhost:3000");
    ck_assert_str_eq (client_header (&answer, "access-control-allow-credentials"), "true");
    ck_assert_str_eq (client_header (&answer, "access-control-max-age"), "3600");
    client_free (&answer);
    snprintf (headers, sizeof headers, "Origin: http://localhost:3001\r\n%s", ask);
    answer = client_ask (s_double.port, "OPTIONS", "/v1/run-agent", headers, NULL);
    ck_assert_str_eq (client_header (&answer, "access-control-allow-origin"), "");
    ck_assert_str_eq (client_header (&answer, "access-control-allow-methods"), "");
    client_free (&answer);
    answer = client_ask (s_double.port, "GET", "/v1/nowhere", "Origin: http://127.0.0.1:3000\r\n", NULL);
    ck_assert_str_eq (client_header (&answer, "access-control-allow-origin"), "http://127.0.0.1:3000");
    client_free (&answer);
}
END_TEST

START_TEST (gives_cookie_and_ids)
{
    client_answer_t answer = client_ask (s_double.port, "GET", "/health", "X-Request-ID: abc-1.2:3\r\n"
                                         "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n", NULL);
    ck_assert_str_eq (client_header (&answer, "x-request-id"), "abc-1.2:3");
    ck_assert_int_eq (strncmp (client_header (&answer, "traceparent"), "00-0af7651916cd43dd8448eb211c80319c-", 36), 0);
    const char *cookie = client_header (&answer, "set-cookie");
    ck_assert_msg (strncmp (cookie, "csrf_token=", 11) == 0 && strstr (cookie, "SameSite=Strict") && strstr (cookie, "Max-Age=86400")
                   && !strstr (cookie, "HttpOnly") && !strstr (cookie, "Secure"), "%s", cookie);
    client_free (&answer);
    answer = client_ask (s_double.port, "GET", "/health", "X-Request-ID: a b\r\nCookie: csrf_token=x\r\ntraceparent: junk\r\n", NULL);
    ck_assert_str_eq (client_header (&answer, "set-cookie"), "");
    ck_assert_uint_eq (strlen (client_header (&answer, "x-request-id")), 36);
    ck_assert_uint_eq (strlen (client_header (&answer, "traceparent")), 55);
    client_free (&answer);
}
END_TEST

START_TEST (answers_from_actors)
{
    char path [256];
    client_answer_t answer = client_ask (s_double.port, "POST", "/v1/agents/run-agent", s_bearer (), RUN);
    ck_assert_msg (answer.status == 202, "%d %s", answer.status, answer.body);
    ck_assert_ptr_nonnull (strstr (answer.body, "\"status\":\"queued\",\"estimated_time\":\"1-2 minutes\",\"stream_url\":\"/v1/jobs/"));
    ck_assert_int_eq (strncmp (client_header (&answer, "location"), "/v1/jobs/", 9), 0);
    client_free (&answer);
    s_expect ("POST", "/v1/run-pipeline", "{\"project_id\":\"" PROJECT "\",\"input_context\":{\"user_idea\":\"x\"}}", 202, "5-10 minutes");
    snprintf (path, sizeof path, "/v1/jobs/%s", double_job (DOUBLE_ENDED));
    s_expect ("GET", path, NULL, 200, double_job (DOUBLE_ENDED));
    snprintf (path, sizeof path, "/v1/jobs/%s/list?page=3&page_size=100", double_job (DOUBLE_PLAIN));
    s_expect ("GET", path, NULL, 200, "\"page\":3,\"page_size\":100");
    snprintf (path, sizeof path, "/v1/jobs/%s/cancel", double_job (DOUBLE_PLAIN));
    s_expect ("POST", path, NULL, 200, "\"status\":\"cancelled\",\"message\":");
    s_expect ("POST", path, "{}", 200, "\"status\":\"cancelled\"");
    snprintf (path, sizeof path, "/v1/agents/jobs/%s/respond", double_job (DOUBLE_PLAIN));
    s_expect ("POST", path, "{\"answers\":[{\"question\":\"q\",\"answer\":\"a\"}]}", 202, "\"status\":\"queued\"");
    snprintf (path, sizeof path, "{\"job_id\":\"%s\",\"answers\":[{\"question\":\"q\",\"answer\":\"a\"}]}", double_job (DOUBLE_PLAIN));
    s_expect ("POST", "/v1/clarify", path, 202, "\"status\":\"queued\"");
    s_expect ("POST", "/v1/projects", "{\"title\":\" Plant Pal \"}", 201, "{\"title\":\"Plant Pal\"}");
    s_expect ("GET", "/v1/projects/?mode=student&status=archived", NULL, 200, "\"page\":1,\"page_size\":20,\"mode\":\"student\",\"status\":\"archived\"");
    s_expect ("GET", "/v1/projects/" PROJECT, NULL, 200, "\"user_id\":\"" DOUBLE_USER "\"");
    s_expect ("GET", "/v1/projects/" PROJECT "/files?include=content", NULL, 200, "true");
    s_expect ("GET", "/v1/projects/" PROJECT "/files/src/%61.js", NULL, 200, "{\"path\":\"src/a.js\"}");
}
END_TEST

/*  What failed is told as far as it is the caller's business. */
START_TEST (tells_failures_and_no_more)
{
    static const struct { double_scene_t scene; int status; const char *error, *details; } rows [] = {
        { DOUBLE_UNKNOWN, 404, "RESOURCE_NOT_FOUND", "{\"resource\":\"job\"" },
        { DOUBLE_DATABASE, 503, "EXTERNAL_SERVICE_ERROR", "{\"service\":\"database\"}" },
        { DOUBLE_CONFLICT, 400, "VALIDATION_ERROR", "{\"field\":\"job_id\",\"reason\":\"ended\"}" },
        { DOUBLE_SECRETIVE, 500, "INTERNAL_ERROR", "\"details\":{}" },
    };
    for (size_t at = 0; at < sizeof rows / sizeof rows [0]; at++) {
        char path [128];
        snprintf (path, sizeof path, "/v1/jobs/%s", double_job (rows [at].scene));
        client_answer_t answer = client_ask (s_double.port, "GET", path, s_bearer (), NULL);
        ck_assert_int_eq (answer.status, rows [at].status);
        ck_assert_ptr_nonnull (strstr (answer.body, rows [at].error));
        ck_assert_msg (strstr (answer.body, rows [at].details) != NULL, "%s", answer.body);
        ck_assert_msg (!strstr (answer.body, "internal") && !strstr (answer.body, "secret") && !strstr (answer.body, "table"), "%s", answer.body);
        if (rows [at].status == 503)
            ck_assert_str_ne (client_header (&answer, "retry-after"), "");
        client_free (&answer);
    }
}
END_TEST

START_TEST (waits_where_preferred)
{
    char headers [1300];
    snprintf (headers, sizeof headers, "%sPrefer: wait=20\r\n", s_bearer ());
    client_answer_t answer = client_ask (s_double.port, "POST", "/v1/run-agent", headers, RUN);
    ck_assert_msg (answer.status == 200 && strstr (answer.body, "\"status\":\"completed\""), "%d %s", answer.status, answer.body);
    client_free (&answer);
    snprintf (headers, sizeof headers, "%sPrefer: wait=1\r\n", s_bearer ());
    answer = client_ask (s_double.port, "POST", "/v1/run-agent", headers, "{\"project_id\":\"" PROJECT "\",\"agent_type\":\"qa\"}");
    ck_assert_msg (answer.status == 202 && strstr (answer.body, "\"status\":\"queued\""), "%d %s", answer.status, answer.body);
    client_free (&answer);
}
END_TEST

/* ---- limits ---- */

START_TEST (bounds_bodies)
{
    size_t size = 1024 * 1024;
    char *body = malloc (2 * size + 1);
    memset (body, ' ', 2 * size);
    body [2 * size] = 0;
    memcpy (body, RUN, strlen (RUN));
    body [size] = 0;
    s_expect ("POST", "/v1/run-agent", body, 202, "queued");
    body [size] = ' ';
    body [size + 1] = 0;
    s_expect ("POST", "/v1/run-agent", body, 413, "PAYLOAD_TOO_LARGE");
    body [size + 1] = ' ';
    s_expect ("POST", "/v1/run-agent", body, 413, "PAYLOAD_TOO_LARGE");
    /* who it is comes before how large it is */
    s_expect_bare ("POST", "/v1/run-agent", "Authorization: Bearer x\r\n", body, 401, "AUTHENTICATION_ERROR");
    s_expect_bare ("POST", "/v1/nowhere", "", body, 404, "NOT_FOUND");
    free (body);
}
END_TEST

START_TEST (bounds_heads)
{
    static char headers [40000];
    int start = snprintf (headers, sizeof headers, "%sX-Long: ", s_bearer ());
    memset (headers + start, 'x', 33000);
    strcpy (headers + start + 33000, "\r\n");
    client_answer_t answer = client_ask (s_double.port, "GET", "/v1/projects/", headers, NULL);
    ck_assert_int_eq (answer.status, 431);
    client_free (&answer);
}
END_TEST

START_TEST (wants_json)
{
    char headers [1300];
    snprintf (headers, sizeof headers, "%sContent-Type: text/plain\r\nContent-Length: 2\r\n", s_bearer ());
    int fd = client_connect (s_double.port);
    char request [2048];
    int size = snprintf (request, sizeof request, "POST /v1/run-agent HTTP/1.1\r\nHost: a\r\n%s\r\n{}", headers);
    client_send (fd, request, (size_t) size);
    client_answer_t answer = client_read (fd);
    ck_assert_int_eq (answer.status, 415);
    client_free (&answer);
    close (fd);
}
END_TEST

/*  Neither of the two borders between requests may be believed. */
START_TEST (closes_on_doubtful_framing)
{
    static const char *const heads [] = {
        "Content-Length: 5\r\nContent-Length: 50\r\n", "Content-Length: 50\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "Transfer-Encoding: gzip\r\n", "Content-Length: 5x\r\n",
        "Host: b\r\n"
    };
    for (size_t at = 0; at < sizeof heads / sizeof heads [0]; at++) {
        char request [512];
        int size = snprintf (request, sizeof request, "POST /v1/run-agent HTTP/1.1\r\nHost: a\r\n%s\r\n0\r\n\r\n"
                             "GET /health HTTP/1.1\r\nHost: a\r\n\r\n", heads [at]);
        int fd = client_connect (s_double.port);
        client_send (fd, request, (size_t) size);
        client_answer_t answer = client_read (fd);
        ck_assert_msg (answer.status == 400, "%s: %d", heads [at], answer.status);
        while (client_more (fd, &answer.bytes) == 0)
            ;
        ck_assert_msg (!strstr (answer.bytes.bytes, "200 OK"), "%s", heads [at]);
        client_free (&answer);
        close (fd);
    }
}
END_TEST

START_TEST (keeps_connections)
{
    int fd = client_connect (s_double.port);
    const char *two = "GET /health HTTP/1.1\r\nHost: a\r\n\r\nGET http://a/health/ready HTTP/1.1\r\nHost: a\r\n\r\n";
    client_send (fd, two, strlen (two));
    cf_buf_t bytes;
    cf_buf_init (&bytes, 1u << 20);
    ck_assert (client_until (fd, &bytes, "{\"status\":\"ready\"}"));
    ck_assert_ptr_nonnull (strstr (bytes.bytes, "\"service\":\"codeforge\""));
    cf_buf_free (&bytes);
    close (fd);
}
END_TEST

/* ---- streams ---- */

static int
s_open_stream (double_scene_t scene, const char *query, const char *headers)
{
    char request [2048];
    int fd = client_connect (s_double.port);
    int size = snprintf (request, sizeof request, "GET /v1/jobs/%s/stream%s HTTP/1.1\r\nHost: a\r\n%s\r\n", double_job (scene), query, headers);
    client_send (fd, request, (size_t) size);
    return fd;
}

/*  Reads a stream to its end and checks the ids, in order, that stand in it. */
static void
s_expect_ids (double_scene_t scene, const char *query, const char *ids)
{
    char found [256] = "";
    cf_buf_t bytes;
    cf_buf_init (&bytes, 64u << 20);
    int fd = s_open_stream (scene, query, s_bearer ());
    ck_assert_msg (client_until (fd, &bytes, "\r\n0\r\n\r\n"), "%d: %.3000s", (int) scene, bytes.bytes);
    ck_assert_ptr_nonnull (strstr (bytes.bytes, "content-type: text/event-stream\r\n"));
    ck_assert_ptr_nonnull (strstr (bytes.bytes, "cache-control: no-cache\r\n"));
    ck_assert_ptr_nonnull (strstr (bytes.bytes, "x-accel-buffering: no\r\n"));
    ck_assert_ptr_nonnull (strstr (bytes.bytes, "retry: 2000\n\n"));
    for (const char *at = bytes.bytes; (at = strstr (at, "id: ")); at += 4)
        if (at [-1] == '\n')
            snprintf (found + strlen (found), sizeof found - strlen (found), "%d ", atoi (at + 4));
    ck_assert_msg (strcmp (found, ids) == 0, "scene %d: %s, wanted %s", (int) scene, found, ids);
    cf_buf_free (&bytes);
    close (fd);
}

START_TEST (streams_what_happens)
{
    s_expect_ids (DOUBLE_LIVE, "", "1 2 3 ");
}
END_TEST

START_TEST (asks_for_what_was_lost)
{
    s_expect_ids (DOUBLE_GAP, "", "1 2 3 4 ");
    s_expect_ids (DOUBLE_RACE, "", "1 2 3 ");
}
END_TEST

START_TEST (ends_with_what_has_ended)
{
    s_expect_ids (DOUBLE_ENDED, "", "9 ");
    s_expect_ids (DOUBLE_ENDED, "?last_event_id=9", "9 ");
    s_expect_ids (DOUBLE_ENDED, "?last_event_id=12345", "9 ");
}
END_TEST

START_TEST (sends_who_has_seen_the_end_away)
{
    char headers [1300];
    cf_buf_t bytes;
    for (int last = 8; last <= 9; last++) {
        snprintf (headers, sizeof headers, "%sConnection: close\r\nLast-Event-ID: %d\r\n", s_bearer (), last);
        cf_buf_init (&bytes, 1u << 20);
        int fd = s_open_stream (DOUBLE_ENDED, last == 9? "?last_event_id=3": "", headers);
        ck_assert (client_until (fd, &bytes, last == 9? "\r\n\r\n": "\r\n0\r\n\r\n"));
        ck_assert_msg (memcmp (bytes.bytes, last == 9? "HTTP/1.1 204 ": "HTTP/1.1 200 ", 13) == 0, "%s", bytes.bytes);
        ck_assert_int_eq (strstr (bytes.bytes, "id: 9\n") != NULL, last == 8);
        close (fd);
        cf_buf_free (&bytes);
    }
}
END_TEST

START_TEST (resumes)
{
    char headers [1300];
    snprintf (headers, sizeof headers, "%sLast-Event-ID: 41\r\n", s_bearer ());
    cf_buf_t bytes;
    cf_buf_init (&bytes, 1u << 20);
    int fd = s_open_stream (DOUBLE_PLAIN, "", headers);
    ck_assert (client_until (fd, &bytes, "id: 43\n"));
    ck_assert_ptr_nonnull (strstr (bytes.bytes, "id: 42\nevent: progress\ndata: {"));
    ck_assert_ptr_null (strstr (bytes.bytes, "id: 41"));
    close (fd);
    cf_buf_reset (&bytes);
    fd = s_open_stream (DOUBLE_PLAIN, "?last_event_id=7", s_bearer ());
    ck_assert (client_until (fd, &bytes, "id: 9\n"));
    close (fd);
    cf_buf_free (&bytes);
}
END_TEST

START_TEST (shows_tokens_to_who_wants_them)
{
    cf_buf_t bytes;
    cf_buf_init (&bytes, 1u << 20);
    int fd = s_open_stream (DOUBLE_TOKENS, "?tokens=1", s_bearer ());
    ck_assert (client_until (fd, &bytes, "event: complete"));
    char wanted [512];
    snprintf (wanted, sizeof wanted, "event: token\ndata: {\"job_id\":\"%s\",\"status\":\"running\",\"progress\":1,\"stage\":\"code\","
              "\"text\":\"one \\\"quoted\\\"\\n\"}\n\n", double_job (DOUBLE_TOKENS));
    ck_assert_msg (strstr (bytes.bytes, wanted) != NULL, "%s", bytes.bytes);
    ck_assert_ptr_nonnull (strstr (bytes.bytes, "\"text\":\"two\",\"reset\":true}"));
    close (fd);
    cf_buf_reset (&bytes);
    fd = s_open_stream (DOUBLE_TOKENS, "", s_bearer ());
    ck_assert (client_until (fd, &bytes, "event: complete"));
    ck_assert_ptr_null (strstr (bytes.bytes, "event: token"));
    close (fd);
    cf_buf_free (&bytes);
}
END_TEST

START_TEST (streams_large_results)
{
    s_expect_ids (DOUBLE_LARGE, "", "1 2 ");
}
END_TEST

START_TEST (refuses_streams_as_any_request)
{
    char path [128];
    snprintf (path, sizeof path, "/v1/jobs/%s/stream", double_job (DOUBLE_UNKNOWN));
    s_expect ("GET", path, NULL, 404, "RESOURCE_NOT_FOUND");
    s_expect_bare ("GET", path, "", NULL, 401, "AUTHENTICATION_ERROR");
    snprintf (path, sizeof path, "/v1/jobs/%s/stream?tokens=maybe", double_job (DOUBLE_PLAIN));
    s_expect ("GET", path, NULL, 400, "\"field\":\"tokens\"");
}
END_TEST

START_TEST (gives_tokens_for_one_stream)
{
    char path [128], url [1024], other [2048], token [1024];
    snprintf (path, sizeof path, "/v1/jobs/%s/stream-token", double_job (DOUBLE_ENDED));
    client_answer_t answer = client_ask (s_double.port, "POST", path, s_bearer (), NULL);
    ck_assert_int_eq (answer.status, 200);
    ck_assert_ptr_nonnull (strstr (answer.body, "\"expires_in\":"));
    ck_assert_int_eq (sscanf (strstr (answer.body, "\"url\":\""), "\"url\":\"%1000[^\"]", url), 1);
    ck_assert_int_eq (sscanf (strstr (answer.body, "\"token\":\""), "\"token\":\"%1000[^\"]", token), 1);
    client_free (&answer);
    answer = client_ask (s_double.port, "GET", url, "", NULL);
    ck_assert_int_eq (answer.status, 200);
    client_free (&answer);
    snprintf (other, sizeof other, "/v1/jobs/%s/stream?token=%s", double_job (DOUBLE_LIVE), token);
    s_expect_bare ("GET", other, "", NULL, 401, "AUTHENTICATION_ERROR");
    snprintf (other, sizeof other, "/v1/jobs/%s?token=%s", double_job (DOUBLE_ENDED), token);
    s_expect_bare ("GET", other, "", NULL, 401, "AUTHENTICATION_ERROR");
    snprintf (other, sizeof other, "Authorization: Bearer %s\r\n", token);
    s_expect_bare ("GET", "/v1/projects/", other, NULL, 401, "AUTHENTICATION_ERROR");
    snprintf (other, sizeof other, "/v1/jobs/%s/stream?token=%s", double_job (DOUBLE_ENDED), double_token ());
    s_expect_bare ("GET", other, "", NULL, 401, "AUTHENTICATION_ERROR");
    snprintf (path, sizeof path, "/v1/jobs/%s/stream-token", double_job (DOUBLE_UNKNOWN));
    s_expect ("POST", path, NULL, 404, "RESOURCE_NOT_FOUND");
}
END_TEST

/*  A client that does not read must be let go, and must not hold up another. */
START_TEST (lets_slow_readers_go)
{
    int on = 4096;
    int slow = s_open_stream (DOUBLE_FLOOD, "", s_bearer ());
    setsockopt (slow, SOL_SOCKET, SO_RCVBUF, &on, sizeof on);
    cf_buf_t bytes;
    cf_buf_init (&bytes, 64u << 20);
    s_expect_ids (DOUBLE_LIVE, "", "1 2 3 ");
    /* the double publishes 13 MB; the stream takes what the kernel and 256 KiB hold, and is then cut */
    struct pollfd wait = { .fd = slow, .events = POLLRDHUP };
    ck_assert_int_eq (poll (&wait, 1, 20000), 1);
    while (client_more (slow, &bytes) == 0)
        ;
    ck_assert_ptr_null (strstr (bytes.bytes, "id: 401\n"));
    cf_buf_free (&bytes);
    close (slow);
}
END_TEST

/* ---- who leaves, who dies ---- */

static unsigned
s_cancelled (void)
{
    char path [128];
    snprintf (path, sizeof path, "/v1/jobs/%s", double_job (DOUBLE_CANCELLED));
    client_answer_t answer = client_ask (s_double.port, "GET", path, s_bearer (), NULL);
    unsigned count = 0;
    ck_assert_int_eq (answer.status, 200);
    sscanf (strstr (answer.body, "\"progress\":"), "\"progress\":%u", &count);
    client_free (&answer);
    return count;
}

START_TEST (cancels_for_clients_that_leave)
{
    unsigned before = s_cancelled ();
    char request [2048];
    int fds [3];
    for (int at = 0; at < 3; at++) {
        fds [at] = client_connect (s_double.port);
        int size = snprintf (request, sizeof request, "GET /v1/jobs/%s%s HTTP/1.1\r\nHost: a\r\n%s\r\n", double_job (DOUBLE_SILENT),
                             at == 2? "/stream": "", s_bearer ());
        client_send (fds [at], request, (size_t) size);
    }
    poll (NULL, 0, 100);
    close (fds [0]);
    close (fds [2]);
    struct linger reset = { 1, 0 };
    setsockopt (fds [1], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close (fds [1]);
    uint64_t due_ms = cf_clock_ms () + 5000;
    while (s_cancelled () < before + 3)
        ck_assert_msg (cf_clock_ms () < due_ms, "%u of 3 were cancelled", s_cancelled () - before);
}
END_TEST

START_TEST (keeps_streams_when_the_broker_dies)
{
    cf_buf_t bytes;
    cf_buf_init (&bytes, 1u << 20);
    int fd = s_open_stream (DOUBLE_PLAIN, "", s_bearer ());
    ck_assert (client_until (fd, &bytes, "id: 1\n"));
    double_end (s_double.broker, SIGKILL);
    double_start_broker (&s_double);
    /* the new broker knows nothing of what was published meanwhile: the ledger does */
    ck_assert (client_until (fd, &bytes, "id: 3\n"));
    ck_assert_ptr_nonnull (strstr (bytes.bytes, "id: 2\n"));
    close (fd);
    cf_buf_free (&bytes);
    client_await (s_double.port, "/health/ready", 200);
}
END_TEST

START_TEST (drains)
{
    cf_buf_t bytes;
    cf_buf_init (&bytes, 1u << 20);
    int stream = s_open_stream (DOUBLE_PLAIN, "", s_bearer ());
    int idle = client_connect (s_double.port);
    ck_assert (client_until (stream, &bytes, "id: 1\n"));
    int pending = client_connect (s_double.port);
    char request [2048];
    int size = snprintf (request, sizeof request, "GET /v1/jobs/%s HTTP/1.1\r\nHost: a\r\n%s\r\n", double_job (DOUBLE_SILENT), s_bearer ());
    client_send (pending, request, (size_t) size);
    poll (NULL, 0, 50);
    uint64_t start_ms = cf_clock_ms ();
    int status = double_end (s_double.edge, SIGTERM);
    s_double.edge = 0;
    ck_assert_msg (WIFEXITED (status) && WEXITSTATUS (status) == 0, "the edge ended with %d", status);
    ck_assert_uint_lt (cf_clock_ms () - start_ms, 5500);
    ck_assert_msg (client_until (stream, &bytes, "\r\n0\r\n\r\n"), "the stream was not ended: %s", bytes.bytes);
    client_answer_t answer = client_read (pending);
    ck_assert_int_eq (answer.status, 503);
    client_free (&answer);
    cf_buf_reset (&bytes);
    ck_assert_int_eq (client_more (idle, &bytes), -1);
    cf_buf_free (&bytes);
    close (stream);
    close (idle);
    close (pending);
}
END_TEST

int
main (void)
{
    const TTest *tests [] = {
        judges_in_order, speaks_about_its_methods, allows_origins, gives_cookie_and_ids, answers_from_actors, tells_failures_and_no_more,
        waits_where_preferred, bounds_bodies, bounds_heads, wants_json, closes_on_doubtful_framing, keeps_connections,
        streams_what_happens, asks_for_what_was_lost, ends_with_what_has_ended,
        sends_who_has_seen_the_end_away, resumes, shows_tokens_to_who_wants_them,
        streams_large_results, refuses_streams_as_any_request, gives_tokens_for_one_stream, lets_slow_readers_go,
        cancels_for_clients_that_leave, keeps_streams_when_the_broker_dies, drains
    };
    Suite *suite = suite_create ("edge");
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
