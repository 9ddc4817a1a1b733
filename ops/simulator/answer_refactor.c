/* SPDX-License-Identifier: MPL-2.0 */
/*  answer_refactor - tidies the selection as far as that is safe without understanding it
 *
 *  It takes blanks off the ends of lines and puts the instruction before the code as a remark, in files whose language
 *  has remarks that may stand anywhere. What the code does stays as it was.
 */

#include "ops/simulator/answer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define CODE_MAX (512u << 10)

typedef struct {
    const char *endings;        /* each between spaces */
    const char *open, *close;
} remark_t;

static const remark_t *
s_remark (cf_slice_t path)
{
    static const remark_t remarks [] = {
        { " js mjs cjs ts css c h java go rs php ", "/* ", " */" }, { " html htm md xml svg vue ", "<!-- ", " -->" },
    };
    char ending [16] = " ";
    const char *dot = path.size? memrchr (path.text, '.', path.size): NULL;
    size_t size = dot? (size_t) (path.text + path.size - dot) - 1: 0;
    if (!size || size > 8)
        return NULL;
    snprintf (ending, sizeof ending, " %.*s ", (int) size, dot + 1);
    for (size_t at = 0; at < sizeof remarks / sizeof remarks [0]; at++)
        if (strcasestr (remarks [at].endings, ending))
            return &remarks [at];
    return NULL;
}

static void
s_put_remark (const remark_t *remark, const char *instruction, cf_buf_t *code)
{
    char cut [300];
    cf_project_cut (instruction, 60, cut, sizeof cut);
    for (char *at = cut; *at; at++)
        if (strchr ("*/<>-\n\r\t`", *at))
            *at = ' ';
    cf_buf_printf (code, "%ssimulated refactoring: %s%s ", remark->open, cut, remark->close);
}

/*  Copies text without blanks at the ends of its lines; the end of text itself is left as it is. Returns how many lines had some. */
static size_t
s_tidy (cf_slice_t text, cf_buf_t *code)
{
    size_t tidied = 0;
    for (size_t at = 0; at < text.size;) {
        const char *feed = memchr (text.text + at, '\n', text.size - at);
        size_t end = feed? (size_t) (feed - text.text): text.size, kept = end;
        while (feed && kept > at && (text.text [kept - 1] == ' ' || text.text [kept - 1] == '\t'))
            kept--;
        tidied += kept < end;
        cf_buf_append (code, text.text + at, kept - at);
        if (feed)
            cf_buf_putc (code, '\n');
        at = end + 1;
    }
    return tidied;
}

void
cf_answer_refactor (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out)
{
    (void) project;
    cf_buf_t code;
    char explanation [400];
    const remark_t *remark = s_remark (brief->file_path);
    size_t indent = 0;
    cf_buf_init (&code, CODE_MAX);
    while (indent < brief->selected.size && strchr (" \t\n", brief->selected.text [indent]))
        indent++;
    cf_buf_append (&code, brief->selected.text, indent);
    if (remark)
        s_put_remark (remark, brief->idea, &code);
    size_t tidied = s_tidy ((cf_slice_t) { brief->selected.text + indent, brief->selected.size - indent }, &code);
    if (!code.size)
        cf_buf_putc (&code, ' ');
    snprintf (explanation, sizeof explanation, "A simulated refactoring, by rules: %s, and blanks were taken off the ends of %zu lines. What the code does "
              "is unchanged; a language model would follow the instruction.", remark? "the instruction stands before the code as a remark":
              "this kind of file takes no remark", tidied);
    cf_buf_puts (out, "{\"refactored_code\":");
    cf_buf_put_json (out, code.bytes, code.size);
    cf_answer_put (out, "explanation", explanation);
    cf_buf_putc (out, '}');
    out->overflowed |= code.overflowed;
    cf_buf_free (&code);
}
