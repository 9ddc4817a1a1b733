/* SPDX-License-Identifier: MPL-2.0 */
/*  client - HTTP/1.1 over a blocking socket, byte by byte as a test wants it */
#ifndef CF_TESTS_CLIENT_H
#define CF_TESTS_CLIENT_H

#include "proto/base/buf.h"
#include "proto/base/clock.h"
#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    int status;
    char *head;                 /* of the buffer below */
    char *body;
    cf_buf_t bytes;
} client_answer_t;

static inline int client_connect (unsigned port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons ((uint16_t) port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect (fd, (struct sockaddr *) &at, sizeof at)) {
        close (fd);
        return -1;
    }
    return fd;
}

static inline void client_send (int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t sent = send (fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0)
            return;
        bytes += sent;
        size -= (size_t) sent;
    }
}

/*  Reads more, at most for 10 s. 0, or -1 at the end. */
static inline int client_more (int fd, cf_buf_t *bytes)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    char *at = cf_buf_reserve (bytes, 65536);
    if (!at || poll (&wait, 1, 10000) != 1)
        return -1;
    ssize_t got = recv (fd, at, 65536, 0);
    if (got <= 0)
        return -1;
    bytes->size += (size_t) got;
    bytes->bytes [bytes->size] = 0;
    return 0;
}

/*  Reads until text has come; false where it does not. */
static inline bool client_until (int fd, cf_buf_t *bytes, const char *text)
{
    while (!strstr (bytes->bytes, text))
        if (client_more (fd, bytes))
            return false;
    return true;
}

/*  A header's value, "" where there is none; static. */
static inline const char *client_header (const client_answer_t *answer, const char *name)
{
    static char values [4] [1024];
    static unsigned turn;
    char *value = values [turn++ % 4];
    *value = 0;
    for (const char *line = strchr (answer->head, '\n'); line && line + 1 < answer->body - 2; line = strchr (line + 1, '\n'))
        if (strncasecmp (line + 1, name, strlen (name)) == 0 && line [1 + strlen (name)] == ':')
            sscanf (line + 2 + strlen (name), " %1023[^\r\n]", value);
    return value;
}

/*  Reads one answer with a Content-Length (or none). Status 0 where none came. */
static inline client_answer_t client_read (int fd)
{
    client_answer_t answer = { 0 };
    cf_buf_init (&answer.bytes, 64u << 20);
    if (!client_until (fd, &answer.bytes, "\r\n\r\n"))
        return answer;
    answer.head = answer.bytes.bytes;
    answer.body = strstr (answer.head, "\r\n\r\n") + 4;
    size_t head = (size_t) (answer.body - answer.head);
    size_t want = (size_t) atoll (client_header (&answer, "content-length"));
    while (answer.bytes.size < head + want && client_more (fd, &answer.bytes) == 0)
        ;
    answer.head = answer.bytes.bytes;
    answer.body = answer.head + head;
    answer.status = atoi (answer.head + 9);
    return answer;
}

/*  Sends method, path, headers (lines with their ends) and body (may be NULL) on a connection of its own. */
static inline client_answer_t client_ask (unsigned port, const char *method, const char *path, const char *headers, const char *body)
{
    cf_buf_t request;
    cf_buf_init (&request, 16u << 20);
    cf_buf_printf (&request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method, path, headers);
    if (body)
        cf_buf_printf (&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen (body));
    cf_buf_puts (&request, "\r\n");
    if (body)
        cf_buf_puts (&request, body);
    int fd = client_connect (port);
    ck_assert_int_ge (fd, 0);
    client_send (fd, request.bytes, request.size);
    cf_buf_free (&request);
    client_answer_t answer = client_read (fd);
    close (fd);
    return answer;
}

static inline void client_free (client_answer_t *answer)
{
    cf_buf_free (&answer->bytes);
}

/*  Asks until the status is as wanted, for 20 s. */
static inline void client_await (unsigned port, const char *path, int status)
{
    uint64_t due_ms = cf_clock_ms () + 20000;
    for (;;) {
        int fd = client_connect (port);
        if (fd >= 0) {
            char request [256];
            int size = snprintf (request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path);
            client_send (fd, request, (size_t) size);
            client_answer_t answer = client_read (fd);
            close (fd);
            bool good = answer.status == status;
            client_free (&answer);
            if (good)
                return;
        }
        ck_assert_msg (cf_clock_ms () < due_ms, "%s does not become %d", path, status);
        poll (NULL, 0, 20);
    }
}

#endif
