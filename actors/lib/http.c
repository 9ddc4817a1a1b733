/* SPDX-License-Identifier: MPL-2.0 */
/*  http - curl's multi interface, driven by the loop
 *
 *  To find an idle connection curl walks along all connections to that host, so thousands in one multi would cost more than
 *  the transfers themselves. Transfers are therefore spread over shards, each a multi of its own with a few
 *  connections; the first shard with a free place is taken, so that few transfers share few connections. A shard that
 *  has been idle for a while is dissolved, which closes its connections.
 *
 *  A transfer lives on the stack of the task that waits for it: a task never leaves its call before curl has let go of it.
 */

#include "actors/lib/http.h"
#include "proto/base/clock.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CF_HTTP_SHARD_SIZE 128u         /* transfers, and kept connections, of a shard */
#define CF_HTTP_SHARD_IDLE_MS 60000u
#define CF_HTTP_EASY_MAX 1024u          /* easy handles kept for reuse */
#define CF_HTTP_RECEIVE_BYTES 4096L     /* curl's buffer of each transfer */
#define CF_HTTP_HEADERS_MAX (64u * 1024u)
#define CF_HTTP_BODY_MAX (16u << 20)
#define CF_HTTP_CONNECT_MS 10000u
#define CF_HTTP_RETRY_AFTER_MAX_MS 86400000u    /* a server that asks for more is not believed */
#define CF_HTTP_RESEND_US 1000000u      /* see the head of http.h */

typedef struct transfer_t transfer_t;

typedef struct {
    cf_http_t *http;
    CURLM *multi;                       /* NULL: not in use */
    size_t active;
    cf_timer_t timer;                   /* curl's */
    cf_timer_t idle_timer;
} shard_t;

typedef struct {
    shard_t *shard;
    curl_socket_t fd;
} watched_t;

struct transfer_t {
    transfer_t *next, *previous;        /* among those that wait for a place */
    cf_http_t *http;
    shard_t *shard;                     /* NULL: waits for a place, or ended */
    cf_task_t *task;
    const cf_http_request_t *request;
    cf_http_sink_fn *sink;
    void *sink_arg;
    cf_http_response_t *response;
    CURL *easy;
    struct curl_slist *lines;
    cf_timer_t timer;                   /* first byte, then stall; the end, once it may end */
    uint64_t started_us, sent_us, heard_us;
    size_t received;                    /* bytes of body */
    unsigned sends;
    cf_http_want_t wanted;              /* the furthest that the sink has said */
    bool begun;                         /* a byte that counts has come */
    bool ended, stopped, too_large;
    char reason [CURL_ERROR_SIZE];
};

struct cf_http_t {
    cf_loop_t *loop;
    CURLSH *share;                      /* names and TLS sessions, for all shards */
    char *no_proxy;
    char *trusted;                      /* file of the certificates that alone are believed, or NULL: the system's */
    struct curl_slist *pinned;          /* where requests go instead, or NULL */
    shard_t *shards;
    size_t shard_count, max, active;
    transfer_t *first, *last;           /* wait for a place */
    size_t waiting;
    bool inside;                        /* curl is running: it must not be called */
    CURL *pool [CF_HTTP_EASY_MAX];
    size_t pooled;
};

static void s_act (shard_t *shard, curl_socket_t fd, int events);

static const char *const s_failure_names [] = {
    "OK", "CONNECT", "TLS", "RESET", "FIRST_BYTE", "STALLED", "CUT", "TOO_LARGE", "CANCELLED", "OTHER"
};

const char *
cf_http_failure_name (cf_http_failure_t failure)
{
    return s_failure_names [failure];
}

size_t
cf_http_active (const cf_http_t *self)
{
    return self->active + self->waiting;
}

/*  The loop's side of curl: descriptors and one timer a shard. */

static void
s_on_io (void *arg, uint32_t events)
{
    watched_t *watched = arg;
    int what = (events & EPOLLIN? CURL_CSELECT_IN: 0) | (events & EPOLLOUT? CURL_CSELECT_OUT: 0)
             | (events & (EPOLLERR | EPOLLHUP)? CURL_CSELECT_ERR: 0);
    s_act (watched->shard, watched->fd, what);
}

static int
s_on_socket (CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    (void) easy;
    shard_t *shard = arg;
    watched_t *watched = socket_arg;
    cf_loop_t *loop = shard->http->loop;
    if (what == CURL_POLL_REMOVE) {
        cf_loop_unwatch (loop, fd);
        free (watched);
        curl_multi_assign (shard->multi, fd, NULL);
        return 0;
    }
    if (!watched) {
        if (!(watched = malloc (sizeof *watched)))
            return -1;
        *watched = (watched_t) { shard, fd };
        curl_multi_assign (shard->multi, fd, watched);
    }
    uint32_t events = (what & CURL_POLL_IN? EPOLLIN: 0u) | (what & CURL_POLL_OUT? EPOLLOUT: 0u);
    return cf_loop_watch (loop, fd, events, s_on_io, watched);
}

static void
s_on_shard_timer (void *arg)
{
    s_act (arg, CURL_SOCKET_TIMEOUT, 0);
}

static int
s_on_timeout (CURLM *multi, long timeout_ms, void *arg)
{
    (void) multi;
    shard_t *shard = arg;
    if (timeout_ms < 0)
        cf_timer_clear (shard->http->loop, &shard->timer);
    else
        cf_timer_set (shard->http->loop, &shard->timer, (uint64_t) timeout_ms, s_on_shard_timer, shard);
    return 0;
}

static void
s_dissolve (void *arg)
{
    shard_t *shard = arg;
    cf_loop_t *loop = shard->http->loop;
    curl_multi_cleanup (shard->multi);
    shard->multi = NULL;
    cf_timer_clear (loop, &shard->timer);
    cf_timer_clear (loop, &shard->idle_timer);
}

static int
s_open (shard_t *shard)
{
    cf_timer_clear (shard->http->loop, &shard->idle_timer);
    if (shard->multi)
        return 0;
    CURLM *multi = curl_multi_init ();
    if (!multi)
        return -1;
    curl_multi_setopt (multi, CURLMOPT_SOCKETFUNCTION, s_on_socket);
    curl_multi_setopt (multi, CURLMOPT_SOCKETDATA, shard);
    curl_multi_setopt (multi, CURLMOPT_TIMERFUNCTION, s_on_timeout);
    curl_multi_setopt (multi, CURLMOPT_TIMERDATA, shard);
    curl_multi_setopt (multi, CURLMOPT_MAXCONNECTS, (long) CF_HTTP_SHARD_SIZE);
    curl_multi_setopt (multi, CURLMOPT_PIPELINING, (long) CURLPIPE_NOTHING);
    shard->multi = multi;
    return 0;
}

/*  What curl tells about a transfer. */

static size_t
s_on_header (char *bytes, size_t one, size_t size, void *arg)
{
    (void) one;
    transfer_t *self = arg;
    cf_buf_t *headers = &self->response->headers;
    if (size > 5 && !memcmp (bytes, "HTTP/", 5))
        cf_buf_reset (headers);         /* after a 100 Continue */
    cf_buf_append (headers, bytes, size);
    return size;
}

static int
s_keep (transfer_t *self, const char *bytes, size_t size)
{
    cf_buf_t *body = &self->response->body;
    size_t room = body->max - body->size;
    if (cf_buf_append (body, bytes, size < room? size: room))
        return -1;
    if (size <= room)
        return 0;
    if (self->sink)
        self->stopped = true;           /* enough of an error is seen */
    else
        self->too_large = true;
    return -1;
}

static void s_on_deadline (void *arg);

/*  The limit of the first byte gives way to that of silence. */
static void
s_begin (transfer_t *self)
{
    self->begun = true;
    if (self->request->stall_ms)
        cf_timer_set (self->http->loop, &self->timer, self->request->stall_ms, s_on_deadline, self);
    else
        cf_timer_clear (self->http->loop, &self->timer);
}

/*  A sink that has said more does not take it back: what it was promised ends when it was said to. */
static void
s_heed (transfer_t *self, cf_http_want_t wanted)
{
    if (!self->begun && wanted != CF_HTTP_NOT_YET)
        s_begin (self);
    if (wanted <= self->wanted || wanted == CF_HTTP_NOT_YET)
        return;
    self->wanted = wanted;
    if (wanted == CF_HTTP_STOP)
        self->stopped = true;
    else
        cf_timer_set (self->http->loop, &self->timer, wanted == CF_HTTP_LINGER? self->request->linger_ms: CF_HTTP_TAIL_MS,
                      s_on_deadline, self);
}

static size_t
s_on_body (char *bytes, size_t one, size_t size, void *arg)
{
    (void) one;
    transfer_t *self = arg;
    self->heard_us = cf_clock_us ();
    if (!self->received && size) {
        self->response->first_byte_us = self->heard_us - self->started_us;
        curl_easy_getinfo (self->easy, CURLINFO_RESPONSE_CODE, &self->response->status);
    }
    self->received += size;
    long status = self->response->status;
    if (!self->sink || status < 200 || status > 299) {
        if (!self->begun)
            s_begin (self);
        return s_keep (self, bytes, size)? CURL_WRITEFUNC_ERROR: size;
    }
    if (self->received > (self->request->max_bytes? self->request->max_bytes: CF_HTTP_BODY_MAX))
        self->too_large = true;
    else
        s_heed (self, self->sink (self->sink_arg, bytes, size));
    return self->too_large || self->stopped? CURL_WRITEFUNC_ERROR: size;
}

static const char *
s_method (const cf_http_request_t *request)
{
    return request->method? request->method: request->body? "POST": "GET";
}

/*  Before each writing of the request: the second one is curl's answer to a kept connection that turned out closed. */
static int
s_on_send (void *arg, char *address, char *own_address, int port, int own_port)
{
    (void) address, (void) own_address, (void) port, (void) own_port;
    transfer_t *self = arg;
    uint64_t now_us = cf_clock_us ();
    const char *method = s_method (self->request);
    bool repeatable = !strcmp (method, "GET") || !strcmp (method, "HEAD") || !strcmp (method, "PUT")
                   || !strcmp (method, "DELETE");
    if (self->sends++ == 0)
        self->sent_us = now_us;
    else if (self->request->once || self->sends > 2 || (!repeatable && now_us - self->sent_us > CF_HTTP_RESEND_US))
        return CURL_PREREQFUNC_ABORT;
    return CURL_PREREQFUNC_OK;
}

/*  The life of a transfer. */

/*  Headers carry keys and tokens: nothing of them stays behind in freed memory. */
static void
s_free_lines (struct curl_slist **lines)
{
    for (struct curl_slist *line = *lines; line; line = line->next)
        explicit_bzero (line->data, strlen (line->data));
    curl_slist_free_all (*lines);
    *lines = NULL;
}

static int
s_add_line (transfer_t *self, const char *line)
{
    struct curl_slist *lines = curl_slist_append (self->lines, line);
    if (!lines)
        return -1;
    self->lines = lines;
    return 0;
}

static void
s_set_method (transfer_t *self)
{
    const cf_http_request_t *request = self->request;
    const char *method = s_method (request);
    if (!strcmp (method, "HEAD"))
        curl_easy_setopt (self->easy, CURLOPT_NOBODY, 1L);
    else if (request->body || !strcmp (method, "POST")) {
        curl_easy_setopt (self->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body_size);
        curl_easy_setopt (self->easy, CURLOPT_POSTFIELDS, request->body? request->body: "");
        if (strcmp (method, "POST"))
            curl_easy_setopt (self->easy, CURLOPT_CUSTOMREQUEST, method);
    }
    else if (strcmp (method, "GET"))
        curl_easy_setopt (self->easy, CURLOPT_CUSTOMREQUEST, method);
}

static void
s_set_constants (CURL *easy, const cf_http_t *http)
{
    curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt (easy, CURLOPT_QUICK_EXIT, 1L);    /* else letting go of a transfer waits for its name look-up */
    curl_easy_setopt (easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt (easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt (easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt (easy, CURLOPT_NOPROXY, http->no_proxy);
    curl_easy_setopt (easy, CURLOPT_SHARE, http->share);
    curl_easy_setopt (easy, CURLOPT_BUFFERSIZE, CF_HTTP_RECEIVE_BYTES);
    curl_easy_setopt (easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    curl_easy_setopt (easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt (easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt (easy, CURLOPT_MAXAGE_CONN, (long) (CF_HTTP_SHARD_IDLE_MS / 1000u));
    curl_easy_setopt (easy, CURLOPT_USERAGENT, "CodeForge/" CF_VERSION);
    curl_easy_setopt (easy, CURLOPT_HEADERFUNCTION, s_on_header);
    curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, s_on_body);
    curl_easy_setopt (easy, CURLOPT_PREREQFUNCTION, s_on_send);
    if (http->pinned) {
        curl_easy_setopt (easy, CURLOPT_CAINFO, http->trusted);
        curl_easy_setopt (easy, CURLOPT_CAPATH, NULL);
        curl_easy_setopt (easy, CURLOPT_CONNECT_TO, http->pinned);
        curl_easy_setopt (easy, CURLOPT_PROXY, "");
    }
}

static int
s_set_up (transfer_t *self)
{
    const cf_http_request_t *request = self->request;
    cf_http_t *http = self->http;
    self->easy = http->pooled? http->pool [--http->pooled]: curl_easy_init ();
    if (!self->easy || s_add_line (self, "Expect:"))
        return -1;
    for (size_t at = 0; request->headers && request->headers [at]; at++)
        if (s_add_line (self, request->headers [at]))
            return -1;
    s_set_constants (self->easy, http);
    curl_easy_setopt (self->easy, CURLOPT_PRIVATE, self);
    curl_easy_setopt (self->easy, CURLOPT_ERRORBUFFER, self->reason);
    curl_easy_setopt (self->easy, CURLOPT_HTTPHEADER, self->lines);
    curl_easy_setopt (self->easy, CURLOPT_HEADERDATA, self);
    curl_easy_setopt (self->easy, CURLOPT_WRITEDATA, self);
    curl_easy_setopt (self->easy, CURLOPT_PREREQDATA, self);
    long connect_ms = request->connect_ms? (long) request->connect_ms: (long) CF_HTTP_CONNECT_MS;
    curl_easy_setopt (self->easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    s_set_method (self);
    return curl_easy_setopt (self->easy, CURLOPT_URL, request->url) == CURLE_OK? 0: -1;
}

/*  Takes the transfer from curl, which closes the connection unless the answer was complete, and frees what it used. */
static void
s_let_go (transfer_t *self)
{
    cf_http_t *http = self->http;
    if (self->shard) {
        curl_multi_remove_handle (self->shard->multi, self->easy);
        http->active--;
        if (--self->shard->active == 0)
            cf_timer_set (http->loop, &self->shard->idle_timer, CF_HTTP_SHARD_IDLE_MS, s_dissolve, self->shard);
        self->shard = NULL;
        self->response->total_us = cf_clock_us () - self->started_us;
    }
    cf_timer_clear (http->loop, &self->timer);
    if (self->easy && http->pooled < CF_HTTP_EASY_MAX) {
        curl_easy_reset (self->easy);
        http->pool [http->pooled++] = self->easy;
    }
    else
        curl_easy_cleanup (self->easy);
    self->easy = NULL;
    s_free_lines (&self->lines);
}

static void
s_end (transfer_t *self, cf_http_failure_t failure)
{
    s_let_go (self);
    self->response->failure = failure;
    self->ended = true;
    cf_task_wake (self->task);
}

static int
s_start (transfer_t *self, shard_t *shard)
{
    self->started_us = cf_clock_us ();
    if (s_open (shard) || s_set_up (self) || curl_multi_add_handle (shard->multi, self->easy) != CURLM_OK) {
        snprintf (self->reason, sizeof self->reason, "the transfer could not be set up");
        return -1;
    }
    self->shard = shard;
    shard->active++;
    self->http->active++;
    if (self->request->first_byte_ms)
        cf_timer_set (self->http->loop, &self->timer, self->request->first_byte_ms, s_on_deadline, self);
    return 0;
}

static void
s_link (transfer_t *self)
{
    cf_http_t *http = self->http;
    self->previous = http->last;
    *(http->last? &http->last->next: &http->first) = self;
    http->last = self;
    http->waiting++;
}

static void
s_unlink (transfer_t *self)
{
    cf_http_t *http = self->http;
    *(self->previous? &self->previous->next: &http->first) = self->next;
    *(self->next? &self->next->previous: &http->last) = self->previous;
    self->next = self->previous = NULL;
    http->waiting--;
}

/*  Starts those that wait, as long as there are places. */
static void
s_admit (cf_http_t *http)
{
    while (http->first && !http->inside && http->active < http->max) {
        transfer_t *transfer = http->first;
        shard_t *shard = http->shards;
        while (shard->active == CF_HTTP_SHARD_SIZE)
            shard++;
        s_unlink (transfer);
        if (s_start (transfer, shard))
            s_end (transfer, CF_HTTP_OTHER);
    }
}

static void
s_on_deadline (void *arg)
{
    transfer_t *self = arg;
    cf_http_t *http = self->http;
    uint64_t silent_ms = (cf_clock_us () - self->heard_us) / 1000u;
    uint32_t stall_ms = self->request->stall_ms;
    bool may_end = self->wanted >= CF_HTTP_LINGER;
    if (self->begun && !may_end && silent_ms < stall_ms) {
        cf_timer_set (http->loop, &self->timer, stall_ms - silent_ms, s_on_deadline, self);
        return;
    }
    s_end (self, may_end? CF_HTTP_OK: self->begun? CF_HTTP_STALLED: CF_HTTP_FIRST_BYTE);
    s_admit (http);
}

static cf_http_failure_t
s_classify (const transfer_t *self, CURLcode code)
{
    if (code == CURLE_OK || self->stopped || self->wanted >= CF_HTTP_LINGER)
        return CF_HTTP_OK;
    if (self->too_large)
        return CF_HTTP_TOO_LARGE;
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:      /* only connecting has a limit of curl's */
        return CF_HTTP_CONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return CF_HTTP_TLS;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_ABORTED_BY_CALLBACK:
        return self->response->headers.size? CF_HTTP_CUT: CF_HTTP_RESET;
    default:
        return CF_HTTP_OTHER;
    }
}

/*  Lets curl work on a descriptor or its timer, then ends what is complete. */
static void
s_act (shard_t *shard, curl_socket_t fd, int events)
{
    cf_http_t *http = shard->http;
    int running, left;
    http->inside = true;
    curl_multi_socket_action (shard->multi, fd, events, &running);
    http->inside = false;
    CURLMsg *message;
    while ((message = curl_multi_info_read (shard->multi, &left))) {
        char *found = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo (message->easy_handle, CURLINFO_PRIVATE, &found);
        transfer_t *transfer = (transfer_t *) (void *) found;
        curl_easy_getinfo (transfer->easy, CURLINFO_RESPONSE_CODE, &transfer->response->status);
        if (!*transfer->reason)
            snprintf (transfer->reason, sizeof transfer->reason, "%s", curl_easy_strerror (code));
        s_end (transfer, s_classify (transfer, code));
    }
    s_admit (http);
}

static int
s_report (const transfer_t *self, cf_error_t *error)
{
    const char *reason = self->reason;
    switch (self->response->failure) {
    case CF_HTTP_OK:
        return 0;
    case CF_HTTP_FIRST_BYTE:
        reason = "no answer in time";
        break;
    case CF_HTTP_STALLED:
        reason = "the answer stalled";
        break;
    case CF_HTTP_TOO_LARGE:
        reason = "the answer is too large";
        break;
    default:
        break;
    }
    return cf_error_set (error, CF_ERROR_HTTP_FAILED, "%s: %s", cf_http_failure_name (self->response->failure), reason);
}

int
cf_http_call (cf_task_t *task, cf_http_t *self, const cf_http_request_t *request, cf_http_sink_fn *sink,
              void *sink_arg, cf_http_response_t *response, cf_error_t *error)
{
    size_t max_bytes = request->max_bytes? request->max_bytes: CF_HTTP_BODY_MAX;
    *response = (cf_http_response_t) { .failure = CF_HTTP_CANCELLED };
    cf_buf_init (&response->headers, CF_HTTP_HEADERS_MAX);
    cf_buf_init (&response->body, sink? CF_HTTP_ERROR_BODY_MAX: max_bytes);
    if (cf_task_wait_status (task, error))
        return -1;
    transfer_t transfer = { .http = self, .task = task, .request = request, .sink = sink, .sink_arg = sink_arg,
                            .response = response };
    s_link (&transfer);
    s_admit (self);
    while (!transfer.ended)
        if (cf_task_wait (task, error) && !transfer.ended) {
            if (!transfer.shard)
                s_unlink (&transfer);
            s_let_go (&transfer);
            s_admit (self);
            return -1;
        }
    if (response->failure == CF_HTTP_OK && error)
        *error = (cf_error_t) { 0 };    /* complete just before the task was cancelled */
    return s_report (&transfer, error);
}

void
cf_http_response_free (cf_http_response_t *response)
{
    cf_buf_free (&response->headers);
    cf_buf_free (&response->body);
}

bool
cf_http_header (const cf_http_response_t *response, const char *name, char *value, size_t size)
{
    size_t name_size = strlen (name);
    const char *line = response->headers.size? response->headers.bytes: "";
    *value = 0;
    for (; *line; line += strcspn (line, "\n"), line += *line == '\n') {
        if (strncasecmp (line, name, name_size) || line [name_size] != ':')
            continue;
        line += name_size + 1;
        line += strspn (line, " \t");
        size_t left = strcspn (line, "\r\n");
        while (left && (line [left - 1] == ' ' || line [left - 1] == '\t'))
            left--;
        snprintf (value, size, "%.*s", (int) left, line);
        return true;
    }
    return false;
}

uint64_t
cf_http_date_us (const char *text)
{
    struct tm parts = { 0 };
    const char *end = strptime (text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    time_t seconds = end && !*end? timegm (&parts): 0;
    return seconds > 0? (uint64_t) seconds * 1000000u: 0;
}

uint32_t
cf_http_retry_after_ms (const cf_http_response_t *response, uint64_t now_wall_us)
{
    char value [64], *end;
    double wait_ms = 0;
    if (cf_http_header (response, "retry-after-ms", value, sizeof value))
        wait_ms = strtod (value, &end);
    else if (cf_http_header (response, "retry-after", value, sizeof value)) {
        wait_ms = strtod (value, &end) * 1000;
        uint64_t date_us = end == value? cf_http_date_us (value): 0;
        if (date_us > now_wall_us)
            wait_ms = (double) (date_us - now_wall_us) / 1000;
    }
    if (!(wait_ms > 0))
        return 0;
    return wait_ms > CF_HTTP_RETRY_AFTER_MAX_MS? CF_HTTP_RETRY_AFTER_MAX_MS: (uint32_t) wait_ms;
}

/*  Loopback never goes through a proxy; what the environment exempts stays exempt. */
static char *
s_no_proxy (void)
{
    const char *own = getenv ("no_proxy");
    if (!own)
        own = getenv ("NO_PROXY");
    char *text = NULL;
    if (asprintf (&text, "127.0.0.1,localhost,::1%s%s", own && *own? ",": "", own? own: "") < 0)
        return NULL;
    return text;
}

cf_http_t *
cf_http_new (cf_loop_t *loop, size_t max_connections)
{
    cf_http_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    signal (SIGPIPE, SIG_IGN);          /* TLS writes to closed connections raise it */
    curl_global_init (CURL_GLOBAL_DEFAULT);
    self->loop = loop;
    self->max = max_connections;
    self->shard_count = max_connections / CF_HTTP_SHARD_SIZE + 1;
    self->shards = calloc (self->shard_count, sizeof *self->shards);
    self->share = curl_share_init ();
    self->no_proxy = s_no_proxy ();
    if (!self->shards || !self->share || !self->no_proxy) {
        cf_http_destroy (&self);
        return NULL;
    }
    curl_share_setopt (self->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl_share_setopt (self->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    for (size_t at = 0; at < self->shard_count; at++)
        self->shards [at].http = self;
    return self;
}

int
cf_http_pin (cf_http_t *self, const char *trusted, const char *address, unsigned port)
{
    char instead [64];
    snprintf (instead, sizeof instead, "::%s:%u", address, port);
    self->trusted = strdup (trusted);
    self->pinned = curl_slist_append (NULL, instead);
    return self->trusted && self->pinned? 0: -1;
}

void
cf_http_destroy (cf_http_t **self_p)
{
    cf_http_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    while (self->pooled)
        curl_easy_cleanup (self->pool [--self->pooled]);
    for (size_t at = 0; self->shards && at < self->shard_count; at++)
        if (self->shards [at].multi)
            s_dissolve (&self->shards [at]);
    curl_share_cleanup (self->share);
    curl_global_cleanup ();
    curl_slist_free_all (self->pinned);
    free (self->trusted);
    free (self->no_proxy);
    free (self->shards);
    free (self);
}
