/* SPDX-License-Identifier: MPL-2.0 */
/*  http - against a scripted server: the path of a request says how it is answered */

#include "actors/lib/http.h"
#include "proto/base/clock.h"
#include "tests/support/unit.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/*  The server: a thread a connection. */

static struct {
    int fd;
    unsigned port;
    pthread_t thread;
    atomic_int connections, requests, hang_ups;         /* hang_ups: clients that closed while an answer was due */
} s_server;

static void
s_say (int fd, const char *text)
{
    if (send (fd, text, strlen (text), MSG_NOSIGNAL) < 0)
        return;
}

/*  Until the client closes; counts it. */
static void
s_await_hang_up (int fd)
{
    char byte;
    while (recv (fd, &byte, 1, 0) > 0)
        continue;
    s_server.hang_ups++;
}

static void
s_reset (int fd)
{
    setsockopt (fd, SOL_SOCKET, SO_LINGER, &(struct linger) { 1, 0 }, sizeof (struct linger));
}

static void
s_send_large (int fd)
{
    static char block [65536];
    s_say (fd, "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n");
    for (int at = 0; at < 128; at++)
        if (send (fd, block, sizeof block, MSG_NOSIGNAL) < 0)
            return;
}

static void
s_send_slowly (int fd)
{
    s_say (fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int at = 0; at < 5; at++) {
        s_say (fd, "4\r\ntick\r\n");
        poll (NULL, 0, 5);
    }
    s_say (fd, "0\r\n\r\n");
}

/*  Signs of life until the client closes. */
static void
s_send_pings (int fd)
{
    struct pollfd closed = { .fd = fd, .events = POLLIN };
    s_say (fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (poll (&closed, 1, 5) == 0)
        s_say (fd, "4\r\nping\r\n");
    s_await_hang_up (fd);
}

static void
s_echo (int fd, const char *request, const char *body)
{
    char answer [1024];
    int size = snprintf (NULL, 0, "%.*s|%s", (int) strcspn (request, " "), request, body);
    snprintf (answer, sizeof answer, "HTTP/1.1 201 Created\r\nContent-Length: %d\r\nX-Expect: %s\r\n\r\n%.*s|%s", size,
              strcasestr (request, "expect:")? "yes": "no", (int) strcspn (request, " "), request, body);
    s_say (fd, answer);
}

/*  Answers one request; false: the connection is to be closed. */
static bool
s_answer (int fd, const char *request, const char *body)
{
    const char *path = strchr (request, ' ') + 1;
#define IS(path_) (!strncmp (path, path_ " ", sizeof path_))
    if (IS ("/plain"))
        s_say (fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nRetry-After:  7 \r\n\r\nhello");
    else if (IS ("/empty"))
        s_say (fd, "HTTP/1.1 204 No Content\r\n\r\n");
    else if (IS ("/chunked"))
        s_say (fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n");
    else if (IS ("/until-close")) {
        s_say (fd, "HTTP/1.1 200 OK\r\n\r\nto the end");
        return false;
    }
    else if (IS ("/slow"))
        s_send_slowly (fd);
    else if (IS ("/echo"))
        s_echo (fd, request, body);
    else if (IS ("/busy"))
        s_say (fd, "HTTP/1.1 429 Too Many\r\nretry-after: 3\r\nContent-Length: 4\r\n\r\nwait");
    else if (IS ("/moved"))
        s_say (fd, "HTTP/1.1 302 Found\r\nLocation: /plain\r\nContent-Length: 0\r\n\r\n");
    else if (IS ("/cut")) {
        s_say (fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        return false;
    }
    else if (IS ("/cut-chunk")) {
        s_say (fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nonly this");
        return false;
    }
    else if (IS ("/reset")) {
        s_reset (fd);
        return false;
    }
    else if (IS ("/close"))
        return false;
    else if (IS ("/then-close")) {
        s_say (fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        return false;
    }
    else if (IS ("/slow-close")) {
        poll (NULL, 0, 1300);
        return false;
    }
    else if (IS ("/silent"))
        s_await_hang_up (fd);
    else if (IS ("/head-only")) {
        s_say (fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        s_await_hang_up (fd);
    }
    else if (IS ("/stall")) {
        s_say (fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntick\r\n");
        s_await_hang_up (fd);
    }
    else if (IS ("/pings"))
        s_send_pings (fd);
    else if (IS ("/large"))
        s_send_large (fd);
    else {
        s_say (fd, "not HTTP at all\r\n\r\n");
        return false;
    }
    return true;
}

static void *
s_serve_connection (void *arg)
{
    int fd = (int) (intptr_t) arg;
    char request [8192];
    size_t size = 0;
    bool open = true;
    while (open) {
        ssize_t got = recv (fd, request + size, sizeof request - 1 - size, 0);
        if (got <= 0)
            break;
        request [size += (size_t) got] = 0;
        if (*request == 0x16) {         /* a TLS handshake */
            s_say (fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
            break;
        }
        char *end = strstr (request, "\r\n\r\n"), *length = strcasestr (request, "content-length:");
        if (!end || (length && strlen (end + 4) < strtoul (length + 15, NULL, 10)))
            continue;
        s_server.requests++;
        open = s_answer (fd, request, end + 4);
        size = 0;
    }
    close (fd);
    return NULL;
}

static void *
s_serve (void *arg)
{
    pthread_attr_t attributes;
    pthread_attr_init (&attributes);
    pthread_attr_setdetachstate (&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize (&attributes, 256 * 1024);
    for (;;) {
        int fd = accept (s_server.fd, NULL, NULL);
        pthread_t thread;
        if (fd < 0)
            return arg;
        s_server.connections++;
        ck_assert_int_eq (pthread_create (&thread, &attributes, s_serve_connection, (void *) (intptr_t) fd), 0);
    }
}

static void
s_start_server (void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    s_server.fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq (bind (s_server.fd, (struct sockaddr *) &address, size), 0);
    ck_assert_int_eq (listen (s_server.fd, 2048), 0);
    getsockname (s_server.fd, (struct sockaddr *) &address, &size);
    s_server.port = ntohs (address.sin_port);
    ck_assert_int_eq (pthread_create (&s_server.thread, NULL, s_serve, NULL), 0);
}

static void
s_stop_server (void)
{
    shutdown (s_server.fd, SHUT_RDWR);
    pthread_join (s_server.thread, NULL);
    close (s_server.fd);
}

/*  The client's side of a test. */

typedef struct {
    cf_loop_t *loop;
    cf_http_t *http;
    const char *path;
    cf_http_request_t request;
    cf_http_sink_fn *sink;
    cf_http_response_t response;
    cf_error_t error;
    int rc;
    unsigned chunks, stop_after;        /* 0: never */
    cf_http_want_t wanted;              /* said from stop_after on */
    char heard [256];
    cf_task_t *task;
} scene_t;

static cf_http_want_t
s_hear (void *arg, const char *bytes, size_t size)
{
    scene_t *scene = arg;
    if (strlen (scene->heard) + size < sizeof scene->heard)
        strncat (scene->heard, bytes, size);
    return ++scene->chunks >= scene->stop_after && scene->stop_after? scene->wanted: CF_HTTP_MORE;
}

static void
s_call (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    char url [128];
    snprintf (url, sizeof url, "http://127.0.0.1:%u%s", s_server.port, scene->path);
    if (!scene->request.url)
        scene->request.url = url;
    scene->heard [0] = 0;
    scene->chunks = 0;
    cf_http_response_free (&scene->response);
    scene->rc = cf_http_call (task, scene->http, &scene->request, scene->sink, scene, &scene->response, &scene->error);
    if (scene->request.url == url)
        scene->request.url = NULL;
}

static void
s_turn_until_done (cf_loop_t *loop)
{
    uint64_t end_ms = cf_clock_ms () + 30000;
    while (cf_task_count () && cf_clock_ms () < end_ms)
        cf_loop_turn (loop, 1000);
    ck_assert_uint_eq (cf_task_count (), 0);
}

static void
s_do (scene_t *scene, const char *path)
{
    scene->path = path;
    scene->error = (cf_error_t) { 0 };
    cf_task_start (scene->loop, s_call, scene, NULL);
    s_turn_until_done (scene->loop);
    ck_assert_uint_eq (cf_http_active (scene->http), 0);
}

static void
s_expect_failure (scene_t *scene, const char *path, cf_http_failure_t failure)
{
    s_do (scene, path);
    ck_assert_int_eq (scene->rc, -1);
    ck_assert_str_eq (cf_http_failure_name (scene->response.failure), cf_http_failure_name (failure));
    ck_assert_int_eq (scene->error.code, CF_ERROR_HTTP_FAILED);
    ck_assert (strstr (scene->error.text, cf_http_failure_name (failure)) != NULL);
}

static void
s_begin (scene_t *scene)
{
    *scene = (scene_t) { .loop = cf_loop_new () };
    scene->http = cf_http_new (scene->loop, 2000);
    ck_assert_ptr_nonnull (scene->http);
    s_server.connections = s_server.requests = s_server.hang_ups = 0;
    s_start_server ();
}

static void
s_finish (scene_t *scene)
{
    cf_http_response_free (&scene->response);
    cf_http_destroy (&scene->http);
    cf_http_destroy (&scene->http);
    cf_task_free_pool ();
    cf_loop_destroy (&scene->loop);
    s_stop_server ();
}

static void
s_await_hang_ups (int count)
{
    uint64_t end_ms = cf_clock_ms () + 10000;
    while (s_server.hang_ups < count && cf_clock_ms () < end_ms)
        sched_yield ();
    ck_assert_int_eq (s_server.hang_ups, count);
}

START_TEST (reads_whole_answers)
{
    scene_t scene;
    char value [16];
    s_begin (&scene);
    s_do (&scene, "/plain");
    ck_assert_int_eq (scene.rc, 0);
    ck_assert_int_eq (scene.response.status, 200);
    ck_assert_str_eq (scene.response.body.bytes, "hello");
    ck_assert (cf_http_header (&scene.response, "retry-after", value, sizeof value));
    ck_assert_str_eq (value, "7");
    ck_assert (cf_http_header (&scene.response, "CONTENT-LENGTH", value, sizeof value));
    ck_assert (!cf_http_header (&scene.response, "retry", value, sizeof value));
    ck_assert_str_eq (value, "");
    ck_assert_uint_gt (scene.response.first_byte_us, 0);
    ck_assert_uint_ge (scene.response.total_us, scene.response.first_byte_us);
    s_do (&scene, "/chunked");
    ck_assert_str_eq (scene.response.body.bytes, "abcdefg");
    s_do (&scene, "/empty");
    ck_assert_int_eq (scene.response.status, 204);
    ck_assert_uint_eq (scene.response.body.size, 0);
    s_do (&scene, "/moved");
    ck_assert_int_eq (scene.response.status, 302);
    ck_assert_int_eq (s_server.connections, 1);
    s_do (&scene, "/until-close");
    ck_assert_int_eq (scene.rc, 0);
    ck_assert_str_eq (scene.response.body.bytes, "to the end");
    s_finish (&scene);
}
END_TEST

START_TEST (sends_methods_headers_and_bodies)
{
    scene_t scene;
    char value [16];
    char *headers [] = { (char *) "Content-Type: application/json", NULL };
    s_begin (&scene);
    scene.request = (cf_http_request_t) { .headers = headers, .body = "{\"a\":1}", .body_size = 7 };
    s_do (&scene, "/echo");
    ck_assert_int_eq (scene.response.status, 201);
    ck_assert_str_eq (scene.response.body.bytes, "POST|{\"a\":1}");
    ck_assert (cf_http_header (&scene.response, "x-expect", value, sizeof value));
    ck_assert_str_eq (value, "no");
    scene.request.method = "PUT";
    s_do (&scene, "/echo");
    ck_assert_str_eq (scene.response.body.bytes, "PUT|{\"a\":1}");
    scene.request = (cf_http_request_t) { .method = "DELETE" };
    s_do (&scene, "/echo");
    ck_assert_str_eq (scene.response.body.bytes, "DELETE|");
    scene.request.method = "POST";
    s_do (&scene, "/echo");
    ck_assert_str_eq (scene.response.body.bytes, "POST|");
    scene.request.method = NULL;
    s_do (&scene, "/echo");
    ck_assert_str_eq (scene.response.body.bytes, "GET|");
    scene.request.method = "HEAD";
    s_do (&scene, "/then-close");
    ck_assert_int_eq (scene.response.status, 200);
    ck_assert_uint_eq (scene.response.body.size, 0);
    s_finish (&scene);
}
END_TEST

START_TEST (streams_into_the_sink)
{
    scene_t scene;
    s_begin (&scene);
    scene.sink = s_hear;
    s_do (&scene, "/slow");
    ck_assert_int_eq (scene.rc, 0);
    ck_assert_str_eq (scene.heard, "tickticktickticktick");
    ck_assert_uint_gt (scene.chunks, 1);
    ck_assert_uint_eq (scene.response.body.size, 0);
    s_do (&scene, "/busy");             /* not a success: not the sink's */
    ck_assert_int_eq (scene.rc, 0);
    ck_assert_int_eq (scene.response.status, 429);
    ck_assert_str_eq (scene.response.body.bytes, "wait");
    ck_assert_uint_eq (scene.chunks, 0);
    scene.stop_after = 1;
    scene.wanted = CF_HTTP_STOP;
    s_do (&scene, "/stall");
    ck_assert_int_eq (scene.rc, 0);
    ck_assert_int_eq (scene.response.failure, CF_HTTP_OK);
    ck_assert_str_eq (scene.heard, "tick");
    s_await_hang_ups (1);
    s_finish (&scene);
}
END_TEST

START_TEST (tells_failures_apart)
{
    scene_t scene;
    s_begin (&scene);
    s_expect_failure (&scene, "/cut", CF_HTTP_CUT);
    ck_assert_int_eq (scene.response.status, 200);
    s_expect_failure (&scene, "/cut-chunk", CF_HTTP_CUT);
    s_expect_failure (&scene, "/reset", CF_HTTP_RESET);
    s_expect_failure (&scene, "/close", CF_HTTP_RESET);
    s_expect_failure (&scene, "/nonsense", CF_HTTP_OTHER);
    char url [64];
    snprintf (url, sizeof url, "https://127.0.0.1:%u/", s_server.port);
    scene.request.url = url;
    s_expect_failure (&scene, "", CF_HTTP_TLS);
    scene.request.url = "http://127.0.0.1:1/";
    s_expect_failure (&scene, "", CF_HTTP_CONNECT);
    scene.request.url = "file:///etc/hostname";
    s_expect_failure (&scene, "", CF_HTTP_OTHER);
    s_finish (&scene);
}
END_TEST

START_TEST (gives_silent_servers_up)
{
    scene_t scene;
    s_begin (&scene);
    scene.sink = s_hear;
    scene.request = (cf_http_request_t) { .first_byte_ms = 50, .stall_ms = 60000 };
    s_expect_failure (&scene, "/silent", CF_HTTP_FIRST_BYTE);
    s_expect_failure (&scene, "/head-only", CF_HTTP_FIRST_BYTE);
    scene.request = (cf_http_request_t) { .first_byte_ms = 60000, .stall_ms = 50 };
    s_expect_failure (&scene, "/stall", CF_HTTP_STALLED);
    ck_assert_str_eq (scene.heard, "tick");
    s_await_hang_ups (3);
    scene.request.stall_ms = 2000;
    s_do (&scene, "/slow");
    ck_assert_int_eq (scene.rc, 0);
    s_finish (&scene);
}
END_TEST

START_TEST (signs_of_life_are_no_first_byte)
{
    scene_t scene;
    s_begin (&scene);
    scene.sink = s_hear;
    scene.stop_after = 1;
    scene.wanted = CF_HTTP_NOT_YET;
    scene.request = (cf_http_request_t) { .first_byte_ms = 60, .stall_ms = 60000 };
    s_expect_failure (&scene, "/pings", CF_HTTP_FIRST_BYTE);
    ck_assert_uint_gt (scene.chunks, 1);
    s_await_hang_ups (1);
    s_expect_failure (&scene, "/stall", CF_HTTP_FIRST_BYTE);    /* one sign of life, then silence */
    s_await_hang_ups (2);
    scene.request.first_byte_ms = 60000;
    s_do (&scene, "/slow");             /* and an answer may consist of nothing else */
    ck_assert_int_eq (scene.rc, 0);
    s_finish (&scene);
}
END_TEST

START_TEST (a_transfer_lingers_for_what_may_follow)
{
    static const struct { cf_http_want_t wanted; const char *path; } cases [] = {
        { CF_HTTP_LINGER, "/stall" }, { CF_HTTP_DONE, "/stall" }, { CF_HTTP_LINGER, "/pings" }, { CF_HTTP_DONE, "/pings" },
        { CF_HTTP_LINGER, "/cut" }, { CF_HTTP_DONE, "/cut-chunk" }
    };
    scene_t scene;
    s_begin (&scene);
    scene.sink = s_hear;
    scene.stop_after = 1;
    scene.request = (cf_http_request_t) { .first_byte_ms = 60000, .stall_ms = 60000, .linger_ms = 40 };
    for (size_t at = 0; at < sizeof cases / sizeof cases [0]; at++) {
        scene.wanted = cases [at].wanted;
        s_do (&scene, cases [at].path);
        ck_assert_int_eq (scene.rc, 0);
        ck_assert_int_eq (scene.response.failure, CF_HTTP_OK);
        ck_assert_int_eq (scene.response.status, 200);
    }
    s_await_hang_ups (4);
    s_finish (&scene);
}
END_TEST

START_TEST (who_has_all_of_it_leaves_the_connection_in_good_order)
{
    scene_t scene;
    s_begin (&scene);
    scene.sink = s_hear;
    scene.stop_after = 1;
    scene.request = (cf_http_request_t) { .linger_ms = 60000 };
    for (scene.wanted = CF_HTTP_LINGER; scene.wanted <= CF_HTTP_DONE; scene.wanted++) {
        s_do (&scene, "/plain");
        ck_assert_int_eq (scene.rc, 0);
        ck_assert_str_eq (scene.heard, "hello");
    }
    scene.wanted = CF_HTTP_LINGER;
    s_do (&scene, "/slow");             /* what follows is heard */
    ck_assert_str_eq (scene.heard, "tickticktickticktick");
    ck_assert_int_eq (s_server.connections, 1);
    s_finish (&scene);
}
END_TEST

START_TEST (bounds_bodies)
{
    scene_t scene;
    s_begin (&scene);
    scene.request.max_bytes = 1 << 20;
    s_expect_failure (&scene, "/large", CF_HTTP_TOO_LARGE);
    ck_assert_uint_le (scene.response.body.size, 1 << 20);
    scene.sink = s_hear;
    s_expect_failure (&scene, "/large", CF_HTTP_TOO_LARGE);
    scene.request.max_bytes = 0;
    s_do (&scene, "/large");
    ck_assert_int_eq (scene.rc, 0);
    s_finish (&scene);
}
END_TEST

START_TEST (cancelling_closes_the_connection)
{
    scene_t scene;
    s_begin (&scene);
    scene.path = "/stall";
    scene.sink = s_hear;
    cf_task_t *task = cf_task_start (scene.loop, s_call, &scene, NULL);
    while (!scene.chunks)
        cf_loop_turn (scene.loop, 1000);
    cf_task_cancel (task, CF_ERROR_CANCELLED);
    s_turn_until_done (scene.loop);
    ck_assert_int_eq (scene.rc, -1);
    ck_assert_int_eq (scene.error.code, CF_ERROR_CANCELLED);
    ck_assert_int_eq (scene.response.failure, CF_HTTP_CANCELLED);
    s_await_hang_ups (1);
    scene.path = "/silent";
    task = cf_task_start (scene.loop, s_call, &scene, NULL);
    cf_task_limit (task, 30);
    s_turn_until_done (scene.loop);
    ck_assert_int_eq (scene.error.code, CF_ERROR_TIMEOUT);
    s_await_hang_ups (2);
    task = cf_task_start (scene.loop, s_call, &scene, NULL);
    cf_task_cancel (task, CF_ERROR_CANCELLED);          /* before a byte was written */
    s_turn_until_done (scene.loop);
    ck_assert_int_eq (scene.error.code, CF_ERROR_CANCELLED);
    ck_assert_uint_eq (cf_http_active (scene.http), 0);
    s_finish (&scene);
}
END_TEST

static void
s_await_closing (void)
{
    poll (NULL, 0, 20);                 /* let the server's FIN arrive: only makes the test meet the case it is about */
}

START_TEST (reuses_connections_and_survives_their_closing)
{
    scene_t scene;
    s_begin (&scene);
    for (int at = 0; at < 5; at++)
        s_do (&scene, "/plain");
    ck_assert_int_eq (s_server.connections, 1);
    s_do (&scene, "/then-close");
    s_await_closing ();
    scene.request = (cf_http_request_t) { .body = "once", .body_size = 4 };
    s_do (&scene, "/echo");
    ck_assert_int_eq (scene.rc, 0);
    ck_assert_str_eq (scene.response.body.bytes, "POST|once");
    ck_assert_int_eq (s_server.connections, 2);
    ck_assert_int_eq (s_server.requests, 7);
    s_finish (&scene);
}
END_TEST

START_TEST (does_not_send_a_thought_over_request_twice)
{
    scene_t scene;
    s_begin (&scene);
    s_do (&scene, "/plain");
    scene.request = (cf_http_request_t) { .body = "once", .body_size = 4 };
    s_expect_failure (&scene, "/slow-close", CF_HTTP_RESET);
    ck_assert_int_eq (s_server.requests, 2);
    s_do (&scene, "/plain");
    s_expect_failure (&scene, "/close", CF_HTTP_RESET);         /* at once: may have been the kept connection's end */
    ck_assert_int_eq (s_server.requests, 5);
    s_expect_failure (&scene, "/close", CF_HTTP_RESET);         /* a new connection: no doubt */
    ck_assert_int_eq (s_server.requests, 6);
    s_finish (&scene);
}
END_TEST

typedef struct {
    scene_t *scene;
    int good;
} crowd_t;

static void
s_call_often (cf_task_t *task, void *arg)
{
    crowd_t *crowd = arg;
    char url [128];
    snprintf (url, sizeof url, "http://127.0.0.1:%u/slow", s_server.port);
    for (int at = 0; at < 2; at++) {
        cf_http_request_t request = { .url = url, .first_byte_ms = 30000, .stall_ms = 30000 };
        cf_http_response_t response;
        if (cf_http_call (task, crowd->scene->http, &request, NULL, NULL, &response, NULL) == 0)
            crowd->good += response.body.size == 20;
        cf_http_response_free (&response);
    }
}

START_TEST (runs_a_thousand_at_once)
{
    scene_t scene;
    struct rlimit limit;
    getrlimit (RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
    s_begin (&scene);
    crowd_t crowd = { &scene, 0 };
    for (int at = 0; at < 1000; at++)
        cf_task_start (scene.loop, s_call_often, &crowd, NULL);
    ck_assert_uint_eq (cf_http_active (scene.http), 1000);
    s_turn_until_done (scene.loop);
    ck_assert_int_eq (crowd.good, 2000);
    ck_assert_int_le (s_server.connections, 1100);
    s_finish (&scene);
}
END_TEST

START_TEST (waits_for_a_place)
{
    scene_t scene;
    s_begin (&scene);
    cf_http_destroy (&scene.http);
    scene.http = cf_http_new (scene.loop, 3);
    crowd_t crowd = { &scene, 0 };
    for (int at = 0; at < 20; at++)
        cf_task_start (scene.loop, s_call_often, &crowd, NULL);
    scene.path = "/plain";
    cf_task_t *late = cf_task_start (scene.loop, s_call, &scene, NULL);
    cf_task_cancel (late, CF_ERROR_CANCELLED);
    s_turn_until_done (scene.loop);
    ck_assert_int_eq (scene.error.code, CF_ERROR_CANCELLED);
    ck_assert_int_eq (crowd.good, 40);
    ck_assert_int_le (s_server.connections, 3);
    s_finish (&scene);
}
END_TEST

static uint32_t
s_wait_ms (const char *headers)
{
    cf_http_response_t response = { .status = 429 };
    cf_buf_init (&response.headers, 1000);
    cf_buf_puts (&response.headers, headers);
    uint32_t wait_ms = cf_http_retry_after_ms (&response, UINT64_C (1795392829000000));   /* Mon, 23 Nov 2026 00:13:49 GMT */
    cf_buf_free (&response.headers);
    return wait_ms;
}

START_TEST (reads_all_forms_of_retry_after)
{
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nRetry-After: 7\r\n\r\n"), 7000);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nretry-after: 0.5\r\n\r\n"), 500);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nretry-after: 7\r\nretry-after-ms: 120.7\r\n\r\n"), 120);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nRetry-After: Mon, 23 Nov 2026 00:13:59 GMT\r\n\r\n"), 10000);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nRetry-After: Mon, 23 Nov 2026 00:13:39 GMT\r\n\r\n"), 0);
}
END_TEST

START_TEST (believes_no_nonsense_of_retry_after)
{
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\n\r\n"), 0);
    ck_assert_uint_eq (s_wait_ms (""), 0);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nRetry-After: -3\r\n\r\n"), 0);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nRetry-After: nan\r\n\r\n"), 0);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nRetry-After: soon\r\n\r\n"), 0);
    ck_assert_uint_eq (s_wait_ms ("HTTP/1.1 429 X\r\nRetry-After: 1e30\r\n\r\n"), 86400000);
}
END_TEST

START_TEST (reads_dates)
{
    ck_assert_uint_eq (cf_http_date_us ("Mon, 23 Nov 2026 00:13:49 GMT"), UINT64_C (1795392829000000));
    ck_assert_uint_eq (cf_http_date_us ("Mon, 23 Nov 2026 00:13:49 GMT, too"), 0);
    ck_assert_uint_eq (cf_http_date_us (""), 0);
}
END_TEST

UNIT_MAIN ("http", reads_whole_answers, sends_methods_headers_and_bodies, streams_into_the_sink, tells_failures_apart,
           gives_silent_servers_up, signs_of_life_are_no_first_byte, a_transfer_lingers_for_what_may_follow,
           who_has_all_of_it_leaves_the_connection_in_good_order, bounds_bodies, cancelling_closes_the_connection,
           reuses_connections_and_survives_their_closing, does_not_send_a_thought_over_request_twice,
           runs_a_thousand_at_once, waits_for_a_place, reads_all_forms_of_retry_after, believes_no_nonsense_of_retry_after,
           reads_dates)
