/* SPDX-License-Identifier: MPL-2.0 */
/*  app_files - .incbin: real files stay real files, and the program needs none of them at run time
 *
 *  The assembler looks for them from the source root, which is on the include path.
 */

#include "ops/simulator/app_files.h"

#include <string.h>

#define EMBED(symbol_, file_)                                                                       \
    __asm__ (".pushsection .rodata\n"                                                               \
             "cf_app_" #symbol_ ":\n.incbin \"ops/simulator/app/" file_ "\"\n.byte 0\n"              \
             "cf_app_" #symbol_ "_end:\n.popsection\n");                                            \
    extern const char cf_app_##symbol_ [], cf_app_##symbol_##_end [];

#define FILES                                                                                       \
    FILE_ROW (index_html, "index.html")                                                             \
    FILE_ROW (styles_css, "styles.css")                                                             \
    FILE_ROW (store_js, "store.js")                                                                 \
    FILE_ROW (ui_js, "ui.js")                                                                       \
    FILE_ROW (app_js, "app.js")                                                                     \
    FILE_ROW (habits_js, "habits.js")                                                               \
    FILE_ROW (timer_js, "timer.js")                                                                 \
    FILE_ROW (budget_js, "budget.js")                                                               \
    FILE_ROW (poll_js, "poll.js")                                                                   \
    FILE_ROW (quiz_js, "quiz.js")                                                                   \
    FILE_ROW (scores_js, "scores.js")                                                               \
    FILE_ROW (events_js, "events.js")                                                               \
    FILE_ROW (todo_js, "todo.js")                                                                   \
    FILE_ROW (notes_js, "notes.js")                                                                 \
    FILE_ROW (collection_js, "collection.js")

#define FILE_ROW(symbol_, file_) EMBED (symbol_, file_)
FILES
#undef FILE_ROW

static const struct { const char *name, *text, *end; } s_files [] = {
#define FILE_ROW(symbol_, file_) { file_, cf_app_##symbol_, cf_app_##symbol_##_end },
FILES
#undef FILE_ROW
};

const char *
cf_app_files_lookup (const char *name, size_t *size)
{
    for (size_t at = 0; at < sizeof s_files / sizeof s_files [0]; at++)
        if (!strcmp (s_files [at].name, name)) {
            *size = (size_t) (s_files [at].end - s_files [at].text) - 1;
            return s_files [at].text;
        }
    return NULL;
}

static void
s_put_value (const char *name, size_t size, const cf_app_value_t *values, cf_buf_t *out)
{
    for (; values->name; values++)
        if (strlen (values->name) == size && !memcmp (values->name, name, size))
            cf_buf_puts (out, values->value);
}

int
cf_app_files_fill (const char *name, const cf_app_value_t *values, cf_buf_t *out)
{
    size_t size;
    const char *at = cf_app_files_lookup (name, &size);
    while (at && *at) {
        const char *open = strstr (at, "{{");
        const char *close = open? strstr (open, "}}"): NULL;
        cf_buf_append (out, at, close? (size_t) (open - at): strlen (at));
        if (!close)
            break;
        s_put_value (open + 2, (size_t) (close - open) - 2, values, out);
        at = close + 2;
    }
    return out->overflowed? -1: 0;
}
