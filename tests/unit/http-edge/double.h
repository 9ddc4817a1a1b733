/* SPDX-License-Identifier: MPL-2.0 */
/*  double - broker and edge as they are, with doubles of the jobs actor and the store that do what a job's id says
 *
 *  The last digits of an id name the scene: double_job (SCENE) makes one. Every process is a child of the test and ends
 *  with it.
 */
#ifndef CF_TESTS_DOUBLE_H
#define CF_TESTS_DOUBLE_H

#include "actors/lib/call.h"
#include "actors/lib/event.h"
#include "actors/lib/serve.h"
#include "http-edge/auth.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/base/log.h"
#include "tests/support/unit.h"

#include <ftw.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

typedef enum {
    DOUBLE_PLAIN = 1,           /* running; one event, then nothing */
    DOUBLE_LIVE,                /* events 1, then 2 step and 3 complete as they happen */
    DOUBLE_GAP,                 /* 2 is lost on its way, 3 comes, then 4 complete */
    DOUBLE_RACE,                /* 2 is published while the ledger is being asked, 3 completes */
    DOUBLE_ENDED,               /* has ended: 9 complete */
    DOUBLE_TOKENS,              /* tokens between 1 and 2 complete */
    DOUBLE_LARGE,               /* complete with a result of 3 MB */
    DOUBLE_FLOOD,               /* hundreds of events of 32 KB, numbered */
    DOUBLE_UNKNOWN,             /* not found */
    DOUBLE_SILENT,              /* never answered */
    DOUBLE_DATABASE,            /* the database is down */
    DOUBLE_CONFLICT,            /* refused with details */
    DOUBLE_SECRETIVE,           /* fails with text that nobody may see */
    DOUBLE_CANCELLED,           /* progress says how many calls were cancelled */
    DOUBLE_PAGES,               /* a project with files, in DOUBLE_PAGES_COUNT pages */
    DOUBLE_PAGES_BROKEN,        /* its second page fails */
    DOUBLE_PAGES_ENDLESS,       /* there is always another page */
    DOUBLE_SCENES
} double_scene_t;

#define DOUBLE_SECRET "0123456789abcdef0123456789abcdef"
#define DOUBLE_USER "3f0e8a52-5f0c-4b1e-9c7d-3a4b5c6d7e8f"
#define DOUBLE_FLOOD_EVENTS 400
#define DOUBLE_PAGES_COUNT 20
#define DOUBLE_PAGE_FILES 4
#define DOUBLE_PAGE_FILE_BYTES 60000

typedef struct {
    char home [64];
    unsigned port;
    pid_t broker, edge, jobs, store;
} double_world_t;

static inline const char *double_job (double_scene_t scene)
{
    static char jobs [DOUBLE_SCENES] [CF_UUID_SIZE];
    snprintf (jobs [scene], CF_UUID_SIZE, "00000000-0000-4000-8000-0000000000%02d", (int) scene);
    return jobs [scene];
}

static inline double_scene_t double_scene (const char *job)
{
    return strncmp (job, double_job (DOUBLE_PLAIN), 34) == 0? (double_scene_t) atoi (job + 34): (double_scene_t) 0;
}

static inline const char *double_token (void)
{
    static char token [1024];
    char parts [2] [256], claims [256];
    unsigned char signature [EVP_MAX_MD_SIZE];
    unsigned size = 0;
    snprintf (parts [0], sizeof parts [0], "{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
    snprintf (claims, sizeof claims, "{\"sub\":\"" DOUBLE_USER "\",\"aud\":\"authenticated\",\"role\":\"authenticated\",\"exp\":%llu}",
              (unsigned long long) (cf_clock_wall_us () / 1000000u + 3600u));
    snprintf (parts [1], sizeof parts [1], "%s", claims);
    *token = 0;
    for (int part = 0; part < 3; part++) {
        char text [512];
        if (part == 2)
            HMAC (EVP_sha256 (), DOUBLE_SECRET, 32, (unsigned char *) token, strlen (token), signature, &size);
        EVP_EncodeBlock ((unsigned char *) text, part == 2? signature: (unsigned char *) parts [part],
                         part == 2? (int) size: (int) strlen (parts [part]));
        size_t filled = strlen (token);
        if (part)
            token [filled++] = '.';
        for (const char *at = text; *at && *at != '='; at++)
            token [filled++] = *at == '+'? '-': *at == '/'? '_': *at;
        token [filled] = 0;
    }
    return token;
}

/* ---- the jobs actor's double ---- */

typedef struct {
    cf_timer_t timer;
    char job [CF_UUID_SIZE];
    unsigned step;
} double_play_t;

static cf_loop_t *s_double_loop;
static unsigned s_double_watched, s_double_cancelled;
static char s_double_soon [CF_UUID_SIZE];

static inline const char *double_shown (const char *job, const char *status, unsigned progress)
{
    static char text [512];
    snprintf (text, sizeof text, "{\"job_id\":\"%s\",\"status\":\"%s\",\"progress\":%u,\"stage\":\"s\",\"message\":\"m\"}", job, status, progress);
    return text;
}

static inline void double_publish (const char *job, uint64_t seq, const char *event, const char *shown)
{
    char topic [CF_ENVELOPE_NAME_SIZE];
    snprintf (topic, sizeof topic, "job.%s", job);
    cf_event_publish (topic, job, CF_JOB_ADVANCED, &(cf_job_advanced_t) { .seq = seq, .event = event, .shown = shown }, 0);
}

static inline void double_say (const char *job, const char *text, bool reset)
{
    char topic [CF_ENVELOPE_NAME_SIZE];
    snprintf (topic, sizeof topic, "tokens.%s", job);
    cf_event_publish (topic, job, CF_MODEL_TOKENS, &(cf_model_tokens_t) { .stage = "code", .text = text, .reset = reset }, 0);
}

static inline void double_large (const char *job)
{
    size_t size = 3000000;
    char *text = malloc (size + 200);
    int start = sprintf (text, "{\"job_id\":\"%s\",\"status\":\"completed\",\"progress\":100,\"result\":\"", job);
    memset (text + start, 'x', size);
    strcpy (text + (size_t) start + size, "\"}");
    double_publish (job, 2, "complete", text);
    free (text);
}

static inline void double_flood (const char *job, unsigned seq)
{
    static char text [32768];
    int start = sprintf (text, "{\"job_id\":\"%s\",\"status\":\"running\",\"progress\":1,\"message\":\"", job);
    memset (text + start, 'y', sizeof text - (size_t) start - 3);
    strcpy (text + sizeof text - 3, "\"}");
    double_publish (job, seq, "progress", text);
}

static inline void double_on_play (void *arg)
{
    double_play_t *play = arg;
    const char *job = play->job;
    unsigned pause_ms = 5;
    play->step++;
    switch (double_scene (job)) {
    case DOUBLE_LIVE:
        double_publish (job, play->step + 1, play->step == 1? "step": "complete", double_shown (job, "running", 50 * play->step));
        pause_ms = play->step < 2? 20: 0;
        break;
    case DOUBLE_GAP:
        double_publish (job, play->step + 2, play->step == 1? "progress": "complete", double_shown (job, "running", 50));
        pause_ms = play->step < 2? 100: 0;
        break;
    case DOUBLE_RACE:
        double_publish (job, 3, "complete", double_shown (job, "completed", 100));
        pause_ms = 0;
        break;
    case DOUBLE_TOKENS:
        if (play->step <= 2)
            double_say (job, play->step == 1? "one \"quoted\"\n": "two", play->step == 2);
        else
            double_publish (job, 2, "complete", double_shown (job, "completed", 100));
        pause_ms = play->step < 3? 20: 0;
        break;
    case DOUBLE_LARGE:
        double_large (job);
        pause_ms = 0;
        break;
    case DOUBLE_FLOOD:
        double_flood (job, play->step + 1);
        pause_ms = play->step < DOUBLE_FLOOD_EVENTS? 1: 0;
        break;
    default:
        pause_ms = 0;
    }
    if (pause_ms)
        cf_timer_set (s_double_loop, &play->timer, pause_ms, double_on_play, play);
    else
        free (play);
}

static inline void double_play (const char *job, unsigned delay_ms)
{
    double_play_t *play = calloc (1, sizeof *play);
    snprintf (play->job, sizeof play->job, "%s", job);
    cf_timer_set (s_double_loop, &play->timer, delay_ms, double_on_play, play);
}

static inline bool double_fails (cf_task_t *task, const char *job)
{
    cf_error_t error = { 0 };
    char details [128];
    switch (double_scene (job)) {
    case DOUBLE_UNKNOWN:
        snprintf (details, sizeof details, "{\"resource\":\"job\",\"id\":\"%s\"}", job);
        cf_fail_with (task, CF_ERROR_NOT_FOUND, "no such job in the table", details);
        return true;
    case DOUBLE_SILENT:
        if (cf_task_sleep (task, 60000, &error))
            s_double_cancelled++;
        return true;
    case DOUBLE_DATABASE:
        cf_fail_with (task, CF_ERROR_DATABASE_DOWN, "host db.internal refused", "");
        return true;
    case DOUBLE_CONFLICT:
        cf_fail_with (task, CF_ERROR_INVALID, "The job has ended already.", "{\"field\":\"job_id\",\"reason\":\"ended\"}");
        return true;
    case DOUBLE_SECRETIVE:
        cf_fail_with (task, CF_ERROR_DATABASE_REFUSED, "select secret from table", "{\"sql\":\"select\"}");
        return true;
    default:
        return false;
    }
}

static inline void double_on_create (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_job_create_t *asked = fields;
    if (double_fails (task, asked->project))
        return;
    cf_reply (task, &(cf_job_accepted_t) { .job = asked->job, .status = "queued", .agent = asked->agent });
    if (strstr (asked->input, "soon"))
        snprintf (s_double_soon, sizeof s_double_soon, "%s", asked->job);
}

/*  A job ends soon, at once or never. */
static inline void double_on_await (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_job_await_t *asked = fields;
    cf_error_t error = { 0 };
    bool soon = strcmp (asked->job, s_double_soon) == 0;
    if (cf_task_sleep (task, soon? 50: asked->wait_ms, &error))
        return;
    const char *status = soon? "completed": "running";
    cf_reply (task, &(cf_job_shown_t) { .shown = double_shown (asked->job, status, 100), .status = status });
}

static inline void double_on_read (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_job_read_t *asked = fields;
    if (double_fails (task, asked->job))
        return;
    unsigned progress = double_scene (asked->job) == DOUBLE_CANCELLED? s_double_cancelled: 100;
    bool running = double_scene (asked->job) == DOUBLE_PLAIN;
    cf_reply (task, &(cf_job_shown_t) { .shown = double_shown (asked->job, running? "running": "completed", progress) });
}

static inline void double_on_list (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_job_list_t *asked = fields;
    char text [256];
    snprintf (text, sizeof text, "{\"items\":[],\"total\":0,\"page\":%u,\"page_size\":%u,\"has_more\":false}", asked->page, asked->page_size);
    if (!double_fails (task, asked->project))
        cf_reply (task, &(cf_job_shown_t) { .shown = text });
}

static inline void double_on_cancel (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_job_cancel_t *asked = fields;
    if (!double_fails (task, asked->job))
        cf_reply (task, &(cf_job_accepted_t) { .job = asked->job, .status = "cancelled", .agent = "code" });
}

static inline void double_on_answer (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_job_answer_t *asked = fields;
    if (!double_fails (task, asked->job))
        cf_reply (task, &(cf_job_accepted_t) { .job = asked->job, .status = "queued", .agent = "research" });
}

/*  [from .. to] as progress events, the last one of event's kind. */
static inline void double_history (cf_task_t *task, const char *job, unsigned from, unsigned to, const char *event, bool ended)
{
    char text [4096] = "[";
    for (unsigned seq = from; seq <= to; seq++) {
        size_t filled = strlen (text);
        snprintf (text + filled, sizeof text - filled, "%s{\"seq\":%u,\"event\":\"%s\",\"data\":%s}", seq > from? ",": "", seq,
                  seq == to? event: "progress", double_shown (job, ended && seq == to? "completed": "running", seq));
    }
    strcat (text, "]");
    cf_reply (task, &(cf_job_history_t) { .events = text, .ended = ended });
}

static inline void double_on_watch (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_job_watch_t *asked = fields;
    const char *job = asked->job;
    s_double_watched++;
    if (double_fails (task, job))
        return;
    switch (double_scene (job)) {
    case DOUBLE_ENDED:
        double_history (task, job, 9, 9, "complete", true);
        return;
    case DOUBLE_GAP:
        if (asked->resume) {
            double_history (task, job, (unsigned) asked->after + 1, 3, "progress", false);
            return;
        }
        break;
    case DOUBLE_RACE:
        if (asked->resume) {
            double_history (task, job, (unsigned) asked->after + 1, 2, "progress", false);
            double_play (job, 50);
            return;
        }
        double_publish (job, 2, "progress", double_shown (job, "running", 2));
        break;
    case DOUBLE_PLAIN:
        if (asked->resume) {
            double_history (task, job, (unsigned) asked->after + 1, (unsigned) asked->after + 2, "progress", false);
            return;
        }
        break;
    default:
        break;
    }
    double_history (task, job, 1, 1, "progress", false);
    if (double_scene (job) != DOUBLE_RACE)
        double_play (job, 30);
}

/* ---- the store's double ---- */

static unsigned s_double_pages;

/*  Of a project of pages it says how many were asked for so far. */
static inline void double_on_project (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_project_read_t *asked = fields;
    char text [256];
    if (double_scene (asked->project) == DOUBLE_PAGES_ENDLESS)
        snprintf (text, sizeof text, "{\"pages\":%u}", s_double_pages);
    else
        snprintf (text, sizeof text, "{\"id\":\"%s\",\"user_id\":\"%s\"}", asked->project, asked->user);
    if (!double_fails (task, asked->project))
        cf_reply (task, &(cf_project_shown_t) { .shown = text });
}

static inline void double_on_projects (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_project_list_t *asked = fields;
    char text [256];
    snprintf (text, sizeof text, "{\"page\":%u,\"page_size\":%u,\"mode\":\"%s\",\"status\":\"%s\"}", asked->page, asked->page_size,
              asked->mode, asked->status);
    cf_reply (task, &(cf_project_shown_t) { .shown = text });
}

static inline void double_on_project_create (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_project_create_t *asked = fields;
    char text [2048];
    snprintf (text, sizeof text, "{\"id\":\"%s\",\"body\":%.1500s}", asked->project, asked->body);
    cf_reply (task, &(cf_project_shown_t) { .shown = text });
}

static inline void double_on_files (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_file_list_t *asked = fields;
    cf_reply (task, &(cf_project_shown_t) { .shown = asked->content? "{\"content\":true}": "{\"content\":false}" });
}

static inline void double_on_file (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_file_read_t *asked = fields;
    char text [640];
    snprintf (text, sizeof text, "{\"path\":\"%s\"}", asked->path);
    cf_reply (task, &(cf_project_shown_t) { .shown = text });
}

/*  Files that hardly compress: src/00000000, src/00000001 … */
static inline void double_on_page (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_file_page_t *asked = fields;
    static char text [DOUBLE_PAGE_FILES * (DOUBLE_PAGE_FILE_BYTES + 100) + 200];
    double_scene_t scene = double_scene (asked->project);
    unsigned first = *asked->after? (unsigned) atoi (asked->after + 4) + 1: 0;
    if (scene == DOUBLE_PAGES_BROKEN && first) {
        cf_fail_with (task, CF_ERROR_DATABASE_REFUSED, "select secret from table", "");
        return;
    }
    if (double_fails (task, asked->project))
        return;
    s_double_pages++;
    char *at = text + sprintf (text, "{\"project\":{\"title\":\"A p\\u00e4ge\"},\"files\":[");
    for (unsigned number = first; number < first + DOUBLE_PAGE_FILES; number++) {
        at += sprintf (at, "%s{\"path\":\"src/%08u\",\"content\":\"", number > first? ",": "", number);
        uint32_t noise = number + 1;
        for (char *end = at + DOUBLE_PAGE_FILE_BYTES; at < end; at++) {
            noise = noise * 1664525u + 1013904223u;
            *at = (char) ('0' + (noise >> 24) % 64);
            if (*at == '\\')
                *at = ' ';
        }
        at += sprintf (at, "\"}");
    }
    bool more = scene == DOUBLE_PAGES_ENDLESS || first / DOUBLE_PAGE_FILES + 1 < DOUBLE_PAGES_COUNT;
    sprintf (at, "],\"more\":%s}", more? "true": "false");
    cf_reply (task, &(cf_project_shown_t) { .shown = text });
}

/* ---- processes ---- */

static inline void double_on_term (int number)
{
    (void) number;
    cf_loop_stop (s_double_loop);
    cf_loop_kick (s_double_loop);
}

static inline void double_on_joined (void *arg)
{
    (void) arg;
    cf_event_publish ("state.database", "", CF_NONE, NULL, 1);
}

static inline pid_t double_serve (const char *service, const cf_handler_t *handlers, size_t count)
{
    pid_t pid = fork ();
    if (pid)
        return pid;
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    signal (SIGTERM, double_on_term);
    cf_error_t error = { 0 };
    cf_config_load_or_exit ();
    cf_log_init (service);
    s_double_loop = cf_loop_new ();
    cf_link_t *link = cf_link_new (s_double_loop, service, 1, 1000, &error);
    cf_serve (CF_ACTOR_CALLER, handlers, count, NULL);
    cf_link_ready (link, NULL, NULL);
    if (strcmp (service, "jobs") == 0)
        cf_link_on_joined (link, double_on_joined, NULL);
    cf_loop_run (s_double_loop);
    _exit (0);
}

static inline pid_t double_run (const char *name)
{
    pid_t pid = fork ();
    if (pid)
        return pid;
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    char path [4096];
    ssize_t size = readlink ("/proc/self/exe", path, sizeof path - 64);
    path [size > 0? size: 0] = 0;
    strcpy (strrchr (path, '/') + 1, name);
    execl (path, name, (char *) NULL);
    fprintf (stderr, "%s is not built\n", path);
    _exit (127);
}

static inline void double_start_edge (double_world_t *self)
{
    self->edge = double_run ("codeforge-edge");
}

static inline void double_start_broker (double_world_t *self)
{
    self->broker = double_run ("codeforge-broker");
}

/*  A port that nobody listens on just now. */
static unsigned
s_free_port (void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq (bind (fd, (struct sockaddr *) &at, size), 0);
    ck_assert_int_eq (getsockname (fd, (struct sockaddr *) &at, &size), 0);
    close (fd);
    return ntohs (at.sin_port);
}

static inline void double_start (double_world_t *self)
{
    static const cf_handler_t jobs [] = {
        { CF_JOB_CREATE, double_on_create }, { CF_JOB_READ, double_on_read }, { CF_JOB_AWAIT, double_on_await }, { CF_JOB_LIST, double_on_list },
        { CF_JOB_CANCEL, double_on_cancel }, { CF_JOB_ANSWER, double_on_answer }, { CF_JOB_WATCH, double_on_watch },
    };
    static const cf_handler_t store [] = {
        { CF_PROJECT_READ, double_on_project }, { CF_PROJECT_LIST, double_on_projects }, { CF_PROJECT_CREATE, double_on_project_create },
        { CF_FILE_LIST, double_on_files }, { CF_FILE_READ, double_on_file }, { CF_FILE_PAGE, double_on_page },
    };
    char port [16];
    memset (self, 0, sizeof *self);
    snprintf (self->home, sizeof self->home, "/tmp/cf-edge-XXXXXX");
    ck_assert_ptr_nonnull (mkdtemp (self->home));
    self->port = s_free_port ();
    snprintf (port, sizeof port, "%u", self->port);
    setenv ("CODEFORGE_HOME", self->home, 1);
    setenv ("PORT", port, 1);
    setenv ("SUPABASE_JWT_SECRET", DOUBLE_SECRET, 1);
    setenv ("LOG_LEVEL", "error", 1);
    setenv ("RATE_LIMIT_PER_MINUTE", "1000000", 0);
    double_start_broker (self);
    self->jobs = double_serve ("jobs", jobs, sizeof jobs / sizeof jobs [0]);
    self->store = double_serve ("store", store, sizeof store / sizeof store [0]);
    double_start_edge (self);
}

static inline int double_end (pid_t pid, int number)
{
    int status = 0;
    kill (pid, number);
    waitpid (pid, &status, 0);
    return status;
}

static inline int double_remove_entry (const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void) status;
    (void) kind;
    (void) walk;
    return remove (path);
}

/*  Ends all, the edge with TERM; returns its status of wait, 0 where it has ended before (edge 0). */
static inline int double_stop (double_world_t *self)
{
    int status = self->edge? double_end (self->edge, SIGTERM): 0;
    double_end (self->jobs, SIGKILL);
    double_end (self->store, SIGKILL);
    double_end (self->broker, SIGTERM);
    nftw (self->home, double_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return status;
}

#endif
