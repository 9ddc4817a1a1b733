/* SPDX-License-Identifier: MPL-2.0 */
/*  floor_http - what the same client gets from h2o when the answer is a constant: no token, no schema, no bus, no database */

#include "ops/bench/commands.h"
#include "ops/bench/users.h"

#include <arpa/inet.h>
#include <h2o.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKLOG 1024

/* ---- the server, a process of its own ---- */

static h2o_accept_ctx_t s_accept;

static int
s_on_request (h2o_handler_t *handler, h2o_req_t *req)
{
    static const char body [] =
        "{\"job_id\":\"01890000-0000-7000-8000-000000000000\",\"status\":\"queued\",\"estimated_time\":\"1-2 minutes\","
        "\"stream_url\":\"/v1/jobs/01890000-0000-7000-8000-000000000000/stream\"}";
    (void) handler;
    req->res.status = 202;
    req->res.reason = "Accepted";
    h2o_add_header (&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, H2O_STRLIT ("application/json"));
    req->res.content_length = sizeof body - 1;
    h2o_send_inline (req, body, sizeof body - 1);
    return 0;
}

static void
s_on_accept (h2o_socket_t *listener, const char *error)
{
    h2o_socket_t *socket;
    while (!error && (socket = h2o_evloop_socket_accept (listener)))
        h2o_accept (&s_accept, socket);
}

static void
s_serve (int fd)
{
    static h2o_globalconf_t config;
    static h2o_context_t context;
    h2o_config_init (&config);
    h2o_hostconf_t *host = h2o_config_register_host (&config, h2o_iovec_init (H2O_STRLIT ("default")), 65535);
    h2o_create_handler (h2o_config_register_path (host, "/", 0), sizeof (h2o_handler_t))->on_req = s_on_request;
    h2o_context_init (&context, h2o_evloop_create (), &config);
    s_accept = (h2o_accept_ctx_t) { .ctx = &context, .hosts = config.hosts };
    h2o_socket_t *listener = h2o_evloop_socket_create (context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    h2o_socket_read_start (listener, s_on_accept);
    for (;;)
        h2o_evloop_run (context.loop, 1000);
}

static int
s_listen (uint16_t *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind (fd, (struct sockaddr *) &address, size) || listen (fd, BACKLOG) || getsockname (fd, (struct sockaddr *) &address, &size)) {
        perror ("listen");
        return -1;
    }
    *port = ntohs (address.sin_port);
    return fd;
}

/* ---- the client ---- */

static int
s_measure (const cf_load_options_t *options, uint16_t port, const char *name, size_t connections, uint64_t count)
{
    cf_users_t users = { .rows = { { (char *) "token-of-about-the-length-that-a-real-one-has", (char *) "01890000-0000-7000-8000-000000000000" } },
                         .count = 1, .port = port };
    cf_client_plan_t plan = {
        .port = port, .connections = connections, .count = count, .time_ms = options->seconds * 1000, .status = 202,
        .write = cf_users_write_job, .arg = &users
    };
    cf_client_result_t result;
    cf_error_t error = { 0 };
    int rc = cf_client_run (&plan, &result, &error);
    if (rc)
        fprintf (stderr, "%s\n", error.text);
    else
        rc = cf_client_report (&result, name);
    cf_samples_free (&result.latency);
    return rc;
}

int
cf_load_floor_http (const cf_load_options_t *options)
{
    uint16_t port;
    int fd = s_listen (&port);
    pid_t server = fd < 0? -1: fork ();
    if (server < 0)
        return 1;
    if (server == 0) {
        prctl (PR_SET_PDEATHSIG, SIGTERM);
        s_serve (fd);
    }
    close (fd);
    int rc = s_measure (options, port, "floor_http", options->connections, options->count);
    rc |= s_measure (options, port, "floor_http_alone", 1, options->count / 10 + 1);
    kill (server, SIGTERM);
    waitpid (server, NULL, 0);
    return rc? 1: 0;
}
