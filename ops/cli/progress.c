/* SPDX-License-Identifier: MPL-2.0 */
/*  progress - rows are runs of a stage: research 1, wireframe 1, code 1, qa 1, code 2, qa 2 … */

#include "ops/cli/progress.h"
#include "ops/cli/terminal.h"
#include "proto/base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define CF_PROGRESS_ROWS 64
#define CF_PROGRESS_FRAME_MS 100
#define CF_PROGRESS_BAR 28
#define CF_PROGRESS_CALLS 500           /* steps whose usage is counted: all that a job has */
#define CF_PROGRESS_BYTES_A_TOKEN 4     /* while it streams; the real number comes with the step */

typedef enum { PENDING, RUNNING, DONE, UNSATISFIED, BROKEN } state_t;

typedef struct {
    char stage [32];
    unsigned run;
    state_t state;
    char note [160];
    char model [64];
    uint64_t begun_ms, ended_ms;        /* clock of ours */
    uint64_t tokens, live_bytes;
    double cost_usd;
} row_t;

struct cf_progress_t {
    cf_loop_t *loop;
    int fd;
    bool live, coloured, utf8;
    row_t rows [CF_PROGRESS_ROWS];
    size_t count;
    row_t *current;                     /* the one that works, or NULL */
    char steps [CF_PROGRESS_CALLS] [192];        /* whose usage is in the rows: a repeated event adds nothing */
    size_t step_count;
    char waiting [128];
    unsigned progress;                  /* percent */
    uint64_t begun_ms, ended_ms;
    unsigned frame, drawn;              /* lines of the last frame */
    cf_timer_t timer;
    cf_buf_t screen;
};

/* ---- writing ---- */

static void
s_flush (cf_progress_t *self)
{
    size_t done = 0;
    ssize_t written;
    while (done < self->screen.size && (written = write (self->fd, self->screen.bytes + done, self->screen.size - done)) > 0)
        done += (size_t) written;
    cf_buf_reset (&self->screen);
}

static const char *
s_style (const cf_progress_t *self, const char *code)
{
    return self->coloured? code: "";
}

/*  1204 -> "1,204". */
static const char *
s_grouped (uint64_t number, char text [32])
{
    char plain [24];
    int size = snprintf (plain, sizeof plain, "%llu", (unsigned long long) number), at = 0;
    for (int place = 0; place < size; place++) {
        if (place && (size - place) % 3 == 0)
            text [at++] = ',';
        text [at++] = plain [place];
    }
    text [at] = 0;
    return text;
}

static const char *
s_label (const row_t *row, char text [48])
{
    if (row->run > 1)
        snprintf (text, 48, "%s %u", row->stage, row->run);
    else
        snprintf (text, 48, "%s", row->stage);
    return text;
}

static void
s_put_icon (cf_progress_t *self, const row_t *row)
{
    static const char *const spinner [] = { "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏" };
    static const char *const plain [] = { ".", "", "+", "!", "x" }, *const fancy [] = { "·", "", "✓", "↻", "✗" };
    static const char *const colours [] = { CF_DIM, CF_CYAN, CF_GREEN, CF_YELLOW, CF_RED };
    const char *icon = self->utf8? fancy [row->state]: plain [row->state];
    if (row->state == RUNNING)
        icon = self->utf8? spinner [self->frame % 10]: &"|\0/\0-\0\\" [2 * (self->frame % 4)];
    cf_buf_printf (&self->screen, "%s%s%s", s_style (self, colours [row->state]), icon, s_style (self, CF_PLAIN));
}

static void
s_put_padded (cf_progress_t *self, const char *text, unsigned columns)
{
    unsigned used = cf_terminal_put (&self->screen, text, columns);
    cf_buf_printf (&self->screen, "%*s", (int) (columns - used), "");
}

/*  "  ✓ research     gpt-4o            2.8 s     1,204 tokens  $0.0123", cut to the terminal's width from the middle. */
static void
s_put_row (cf_progress_t *self, const row_t *row, unsigned columns)
{
    char label [48], duration [32], number [32], tail [96] = "";
    uint64_t now_ms = cf_clock_ms (), tokens = row->tokens + row->live_bytes / CF_PROGRESS_BYTES_A_TOKEN;
    if (row->state != PENDING) {
        cf_terminal_duration ((row->ended_ms? row->ended_ms: now_ms) - row->begun_ms, duration, sizeof duration);
        size_t size = (size_t) snprintf (tail, sizeof tail, "%9s", duration);
        if (tokens)
            size += (size_t) snprintf (tail + size, sizeof tail - size, "  %8s tokens", s_grouped (tokens, number));
        if (row->cost_usd > 0)
            snprintf (tail + size, sizeof tail - size, "  $%.4f", row->cost_usd);
    }
    cf_buf_puts (&self->screen, "  ");
    s_put_icon (self, row);
    cf_buf_puts (&self->screen, " ");
    cf_buf_puts (&self->screen, s_style (self, row->state == RUNNING? CF_BOLD: row->state == PENDING? CF_DIM: ""));
    s_put_padded (self, s_label (row, label), 12);
    cf_buf_printf (&self->screen, "%s %s", s_style (self, CF_PLAIN), s_style (self, CF_DIM));
    unsigned tail_width = 36, fixed = 4 + 12 + 1, middle = columns > fixed + tail_width + 10? columns - fixed - tail_width - 1: 10;
    s_put_padded (self, *row->note? row->note: row->model, middle < 48? middle: 48);
    cf_buf_printf (&self->screen, "%s", s_style (self, CF_PLAIN));
    unsigned used = fixed + (middle < 48? middle: 48);
    cf_terminal_put (&self->screen, tail, columns > used? columns - used: 0);
}

static void
s_put_bar (cf_progress_t *self, unsigned columns)
{
    char duration [32], number [32], text [96];
    uint64_t tokens = 0;
    double cost_usd = 0;
    for (size_t at = 0; at < self->count; at++) {
        tokens += self->rows [at].tokens + self->rows [at].live_bytes / CF_PROGRESS_BYTES_A_TOKEN;
        cost_usd += self->rows [at].cost_usd;
    }
    unsigned width = columns > CF_PROGRESS_BAR + 46? CF_PROGRESS_BAR: 10, full = self->progress * width / 100;
    cf_buf_printf (&self->screen, "  %s", s_style (self, CF_GREEN));
    for (unsigned at = 0; at < width; at++) {
        if (at == full)
            cf_buf_printf (&self->screen, "%s%s", s_style (self, CF_PLAIN), s_style (self, CF_DIM));
        cf_buf_puts (&self->screen, at < full? (self->utf8? "━": "#"): self->utf8? "─": "-");
    }
    cf_terminal_duration ((self->ended_ms? self->ended_ms: cf_clock_ms ()) - self->begun_ms, duration, sizeof duration);
    int size = snprintf (text, sizeof text, " %3u %%  %s", self->progress, duration);
    if (tokens)
        size += snprintf (text + size, sizeof text - (size_t) size, "  %s tokens", s_grouped (tokens, number));
    if (cost_usd > 0)
        snprintf (text + size, sizeof text - (size_t) size, "  $%.4f", cost_usd);
    cf_buf_puts (&self->screen, s_style (self, CF_PLAIN));
    cf_terminal_put (&self->screen, text, columns > width + 3? columns - width - 3: 0);
}

/* ---- frames ---- */

static void
s_erase (cf_progress_t *self)
{
    if (self->drawn)
        cf_buf_printf (&self->screen, "\033[%uA\r\033[J", self->drawn);
    self->drawn = 0;
}

static void
s_end_line (cf_progress_t *self)
{
    cf_buf_puts (&self->screen, "\033[K\n");
    self->drawn++;
}

/*  The frame replaces the one before it line by line, so that nothing flickers. */
static void
s_draw (cf_progress_t *self)
{
    if (!self->live)
        return;
    struct winsize size = { 0 };
    unsigned columns = cf_terminal_columns (self->fd);
    unsigned height = ioctl (self->fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 5? size.ws_row: 24;
    size_t shown = self->count < height - 4? self->count: height - 4;
    if (self->drawn)
        cf_buf_printf (&self->screen, "\033[%uA\r", self->drawn);
    self->drawn = 0;
    if (self->count) {
        for (size_t at = self->count - shown; at < self->count; at++) {
            s_put_row (self, &self->rows [at], columns);
            s_end_line (self);
        }
        s_put_bar (self, columns);
        s_end_line (self);
    }
    if (*self->waiting) {
        row_t waiting = { .state = RUNNING };
        cf_buf_puts (&self->screen, "  ");
        s_put_icon (self, &waiting);
        cf_buf_putc (&self->screen, ' ');
        cf_terminal_put (&self->screen, self->waiting, columns > 5? columns - 5: 0);
        s_end_line (self);
    }
    cf_buf_puts (&self->screen, "\033[J");
    s_flush (self);
}

static void
s_on_frame (void *arg)
{
    cf_progress_t *self = arg;
    self->frame++;
    s_draw (self);
    cf_timer_set (self->loop, &self->timer, CF_PROGRESS_FRAME_MS, s_on_frame, self);
}

/*  Piped: what changed about a row. */
static void
s_print_change (cf_progress_t *self, const row_t *row, const char *what)
{
    char label [48], duration [32], since [32], number [32];
    if (self->live)
        return;
    cf_terminal_duration (cf_clock_ms () - self->begun_ms, since, sizeof since);
    cf_buf_printf (&self->screen, "%10s  ", since);
    s_put_padded (self, s_label (row, label), 12);
    cf_terminal_put (&self->screen, what, 200);
    if (row->state != RUNNING) {
        cf_terminal_duration (row->ended_ms - row->begun_ms, duration, sizeof duration);
        cf_buf_printf (&self->screen, " after %s", duration);
        if (row->tokens)
            cf_buf_printf (&self->screen, ", %s tokens", s_grouped (row->tokens, number));
        if (row->cost_usd > 0)
            cf_buf_printf (&self->screen, ", $%.4f", row->cost_usd);
    }
    cf_buf_putc (&self->screen, '\n');
    s_flush (self);
}

/* ---- rows ---- */

/*  The row of a run; made where there is none yet. NULL when there is no room. */
static row_t *
s_row (cf_progress_t *self, const char *stage, unsigned run)
{
    for (size_t at = 0; at < self->count; at++)
        if (self->rows [at].run == run && strcmp (self->rows [at].stage, stage) == 0)
            return &self->rows [at];
    if (self->count == CF_PROGRESS_ROWS)
        return NULL;
    row_t *row = &self->rows [self->count++];
    *row = (row_t) { .run = run };
    snprintf (row->stage, sizeof row->stage, "%s", stage);
    return row;
}

static bool
s_is (const row_t *row, const char *stage)
{
    return row && strcmp (row->stage, stage) == 0;
}

static void
s_finish (cf_progress_t *self, row_t *row, state_t state)
{
    if (!row || row->state != RUNNING)
        return;
    row->state = state;
    row->ended_ms = cf_clock_ms ();
    row->live_bytes = 0;
    row->note [0] = 0;
    s_print_change (self, row, state == DONE? "done": state == UNSATISFIED? "not satisfied": "ended");
}

/*  A run begins: the one before it has ended, and a review that is followed by another run of code was not satisfied. */
static void
s_begin (cf_progress_t *self, row_t *row)
{
    if (!row || row == self->current)
        return;
    if (row->state == PENDING) {
        bool mends = s_is (self->current, "qa") && s_is (row, "code");
        s_finish (self, self->current, mends? UNSATISFIED: DONE);
        if (mends)
            snprintf (self->current->note, sizeof self->current->note, "found faults; once more");
        row->state = RUNNING;
        row->begun_ms = cf_clock_ms ();
        self->current = row;
        self->waiting [0] = 0;
    }
}

/*  The newest row of a stage that was not left yet, else its next run. */
static row_t *
s_latest (cf_progress_t *self, const char *stage)
{
    unsigned run = 0;
    row_t *latest = NULL;
    for (size_t at = 0; at < self->count; at++)
        if (s_is (&self->rows [at], stage) && self->rows [at].run > run) {
            latest = &self->rows [at];
            run = latest->run;
        }
    return latest && (latest->state == PENDING || latest == self->current)? latest: s_row (self, stage, run + 1);
}

/*  "code.2.repair1" -> "code", 2. */
static row_t *
s_row_of_step (cf_progress_t *self, const char *name)
{
    char stage [32];
    size_t length = strcspn (name, ".");
    snprintf (stage, sizeof stage, "%.*s", (int) length, name);
    unsigned run = name [length]? (unsigned) strtoul (name + length + 1, NULL, 10): 0;
    return *stage? s_row (self, stage, run? run: 1): NULL;
}

/*  Whether the step's usage is counted from now on; a step is known by its name. */
static bool
s_count_step (cf_progress_t *self, const char *name)
{
    for (size_t at = 0; at < self->step_count; at++)
        if (strcmp (self->steps [at], name) == 0)
            return false;
    if (self->step_count < CF_PROGRESS_CALLS)
        snprintf (self->steps [self->step_count++], sizeof self->steps [0], "%s", name);
    return true;
}

static void
s_take_usage (cf_progress_t *self, row_t *row, const cf_json_t *step)
{
    if (!s_count_step (self, cf_json_str (step, "name", "")))
        return;
    row->tokens += (uint64_t) (cf_json_int (step, "input_tokens", 0) + cf_json_int (step, "output_tokens", 0));
    row->cost_usd += cf_json_real (step, "cost_usd", 0);
    row->live_bytes = 0;
    if (*cf_json_str (step, "model", ""))
        snprintf (row->model, sizeof row->model, "%s", cf_json_str (step, "model", ""));
}

static void
s_take_step (cf_progress_t *self, const cf_json_t *step)
{
    row_t *row = s_row_of_step (self, cf_json_str (step, "name", ""));
    if (!row)
        return;
    s_begin (self, row);
    if (strcmp (cf_json_str (step, "status", ""), "running"))
        s_take_usage (self, row, step);
}

static void
s_take_note (cf_progress_t *self, const cf_json_t *shown)
{
    const char *stage = cf_json_str (shown, "stage", ""), *note = cf_json_str (shown, "message", "");
    static const char *const stages [] = { "research", "wireframe", "code", "qa" };
    for (size_t at = 0; at < sizeof stages / sizeof stages [0]; at++) {
        if (strcmp (stages [at], stage))
            continue;
        row_t *row = s_is (self->current, stage)? self->current: s_latest (self, stage);
        s_begin (self, row);
        if (row && row == self->current && *note && strcmp (row->note, note)) {
            snprintf (row->note, sizeof row->note, "%s", note);
            s_print_change (self, row, note);
        }
    }
}

static void
s_take_tokens (cf_progress_t *self, const cf_json_t *shown)
{
    const char *stage = cf_json_str (shown, "stage", "");       /* "code", or "code src/app.js" where it is written file by file */
    size_t length = self->current? strlen (self->current->stage): 0;
    if (!length || strncmp (self->current->stage, stage, length) || (stage [length] && stage [length] != ' '))
        return;
    if (cf_json_bool (shown, "reset", false))
        self->current->live_bytes = 0;
    self->current->live_bytes += json_string_length (json_object_get (shown, "text"));
}

void
cf_progress_take (cf_progress_t *self, const char *event, const cf_json_t *shown)
{
    unsigned progress = (unsigned) cf_json_int (shown, "progress", 0);
    if (!self->count)
        for (const char *stage = "research\0wireframe\0code\0qa\0"; *stage; stage += strlen (stage) + 1)
            s_row (self, stage, 1);
    if (progress <= 100 && progress > self->progress)
        self->progress = progress;
    if (strcmp (event, "token") == 0)
        s_take_tokens (self, shown);
    else if (strcmp (event, "step") == 0)
        s_take_step (self, json_object_get (shown, "step"));
    else if (strcmp (event, "progress") == 0)
        s_take_note (self, shown);
    if (strcmp (event, "token"))        /* those come by the hundred: the next frame shows them */
        s_draw (self);
}

/* ---- the end ---- */

/*  RFC 3339 in UTC -> milliseconds since 1970; 0 where it is none. */
static uint64_t
s_time_ms (const char *text)
{
    struct tm utc = { 0 };
    const char *rest = strptime (text, "%Y-%m-%dT%H:%M:%S", &utc);
    uint64_t fraction = rest && *rest == '.'? (uint64_t) (strtod (rest, NULL) * 1000): 0;
    return rest? (uint64_t) timegm (&utc) * 1000 + fraction: 0;
}

/*  How long a row took by the ledger, which also knows what happened while nobody watched. */
static void
s_take_times (row_t *row, const cf_json_t *step, uint64_t *first_ms)
{
    uint64_t begun_ms = s_time_ms (cf_json_str (step, "started_at", "")), ended_ms = s_time_ms (cf_json_str (step, "completed_at", ""));
    if (!begun_ms || ended_ms < begun_ms)
        return;
    if (!*first_ms || begun_ms < *first_ms)
        *first_ms = begun_ms;
    row->begun_ms = *first_ms;
    row->ended_ms = ended_ms;
}

static void
s_settle (cf_progress_t *self, const cf_json_t *job)
{
    const char *status = cf_json_str (job, "status", "");
    const cf_json_t *review = json_object_get (json_object_get (job, "result"), "qa_result");
    bool completed = strcmp (status, "completed") == 0;
    s_finish (self, self->current, completed? DONE: BROKEN);
    for (size_t at = 0; at < self->count; at++) {
        row_t *row = &self->rows [at];
        uint64_t first_ms = 0;
        size_t place;
        cf_json_t *step;
        json_array_foreach (json_object_get (job, "steps"), place, step)
            if (s_row_of_step (self, cf_json_str (step, "name", "")) == row)
                s_take_times (row, step, &first_ms);
        if (first_ms && row->state == PENDING)
            row->state = DONE;
    }
    row_t *last = NULL;
    for (size_t at = 0; at < self->count; at++)
        if (s_is (&self->rows [at], "qa") && self->rows [at].state != PENDING)
            last = &self->rows [at];
    if (last && review) {
        bool passed = cf_json_bool (review, "passed", false);
        last->state = passed? DONE: UNSATISFIED;
        snprintf (last->note, sizeof last->note, "%s, %.0f of 100", passed? "passed": "not passed", cf_json_real (review, "score", 0));
    }
    if (completed)
        self->progress = 100;
}

void
cf_progress_end (cf_progress_t *self, const cf_json_t *job)
{
    size_t at;
    cf_json_t *step;
    json_array_foreach (json_object_get (job, "steps"), at, step) {
        row_t *row = s_row_of_step (self, cf_json_str (step, "name", ""));
        if (row)
            s_take_usage (self, row, step);
    }
    s_settle (self, job);
    self->ended_ms = cf_clock_ms ();
    self->waiting [0] = 0;
    cf_timer_clear (self->loop, &self->timer);
    s_draw (self);
}

/* ---- life ---- */

cf_progress_t *
cf_progress_new (cf_loop_t *loop, int fd)
{
    cf_progress_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->loop = loop;
    self->fd = fd;
    self->live = cf_terminal_is (fd);
    self->coloured = cf_terminal_coloured (fd);
    self->utf8 = cf_terminal_utf8 ();
    self->begun_ms = cf_clock_ms ();
    cf_buf_init (&self->screen, 1u << 20);
    if (self->live) {
        cf_buf_puts (&self->screen, "\033[?25l");       /* no cursor */
        cf_timer_set (loop, &self->timer, CF_PROGRESS_FRAME_MS, s_on_frame, self);
    }
    return self;
}

void
cf_progress_destroy (cf_progress_t **self_p)
{
    cf_progress_t *self = *self_p;
    if (!self)
        return;
    self->waiting [0] = 0;
    s_finish (self, self->current, BROKEN);     /* still at work: nobody watches it any more */
    s_draw (self);
    cf_timer_clear (self->loop, &self->timer);
    if (self->live)
        cf_buf_puts (&self->screen, "\033[?25h");
    s_flush (self);
    cf_buf_free (&self->screen);
    free (self);
    *self_p = NULL;
}

void
cf_progress_say (cf_progress_t *self, const char *format, ...)
{
    char text [1024];
    va_list args;
    va_start (args, format);
    vsnprintf (text, sizeof text, format, args);
    va_end (args);
    s_erase (self);
    cf_terminal_put (&self->screen, text, self->live? cf_terminal_columns (self->fd): sizeof text);
    cf_buf_putc (&self->screen, '\n');
    s_flush (self);
    s_draw (self);
}

void
cf_progress_wait_for (cf_progress_t *self, const char *what)
{
    bool changed = what && strcmp (self->waiting, what);
    snprintf (self->waiting, sizeof self->waiting, "%s", what? what: "");
    if (changed && !self->live) {
        cf_buf_printf (&self->screen, "%s\n", what);
        s_flush (self);
    }
    s_draw (self);
}
