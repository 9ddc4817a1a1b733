/* SPDX-License-Identifier: MPL-2.0 */
/*  answer_pedagogy - questions back, and decisions laid out
 *
 *  TO ADD A CONCEPT: one row in s_concepts; the first whose words stand in the question (or else in the code) is taken.
 */

#include "ops/simulator/answer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define STEPS 3

static const struct {
    const char *words;          /* each behind a space, lower-case; a question's word that begins with one names the concept */
    const char *name, *key;
    const char *questions [STEPS], *hints [STEPS];
} s_concepts [] = {
    { " loop for while iterat repeat", "Loops", "A loop asks its condition before every round; what changes between two rounds decides when it ends.",
      { "What is different at the start of the second round, compared with the first?", "What has to be true for another round to begin, and what makes it untrue?",
        "How many rounds are there with no items at all, and with exactly one?" },
      { "Note the value of every variable after each round, on paper.", "Find the place that changes what the condition looks at.",
        "Small cases are carried out by hand in a minute." } },
    { " async await promise fetch callback", "Things that take time", "What takes time answers later; the rest of the program goes on before the answer is there.",
      { "In which order are the lines really carried out?", "Who is told when the answer arrives, and what do they have before that?", "What should people see while they wait, and when it fails?" },
      { "Number the lines in the order you expect, then watch them in the debugger.", "Follow the value from where it is asked for to where it is used.",
        "Switch the network off in the developer tools and try again." } },
    { " state usestate render component prop react", "State and what is shown", "What is shown follows from the state; whoever wants to change the page changes the state.",
      { "Which single value decides what you see here?", "Who owns that value, and who only looks at it?", "What tells the page that the value has changed?" },
      { "Leave out everything that can be worked out from something else.", "Draw the parts as boxes and mark the one that holds the value.", "Compare what you change with what the page compares." } },
    { " array list map filter index push", "Lists", "A list keeps things in order; some operations change it, others make a new one.",
      { "Which number does the first item have, and which the last?", "Does this operation change the list, or does it give you another one?", "What should happen when the list is empty?" },
      { "Write a list of three and put the numbers under it.", "Look at the list before and after, in the console.", "Try it with none, one and two items." } },
    { " error undefined null crash bug fail exception broken", "Reading an error", "An error says where the program noticed, not where the mistake was made; between the two lies the way to go back.",
      { "What does the message say, in your own words, and about which value?", "Where did that value get its content for the last time?", "What is the smallest input with which it still happens?" },
      { "Read the first line of the message and the first place that is yours.", "Go back from that place, one assignment at a time.", "Take away one thing after another until it works." } },
    { " function parameter argument return scope", "Functions", "A function promises a result for what it is given; what it does inside is nobody else's business.",
      { "What goes into it, and what should come out?", "What happens to the result at the place where it is called?", "Which of its results can you predict without reading its body?" },
      { "Write down three pairs of input and expected result.", "Look for the value that nobody takes.", "Cover the body with your hand." } },
    { " css style layout center flex grid align color colour", "Layout", "A box gets its place from the box around it; whoever arranges it is always its parent.",
      { "Which box is too large, too small or in the wrong place?", "Which box arranges it, and by which rule?", "What changes when the window gets half as wide?" },
      { "Give every box a border for a moment.", "Look at the parent in the inspector, not at the element itself.", "Drag the window and watch what moves." } },
    { "", "Taking a problem apart", "A problem that is too large is several problems; the first one is small enough to be tried now.",
      { "What should there be in the end that is not there now?", "What is the smallest part of it that you could try on its own?", "How will you notice that this part works?" },
      { "Describe it to somebody who has never seen your program.", "Leave out everything without which it would still be a step forward.", "Think of one example, with the result you expect." } },
};

/*  The concept whose words stand in text, or the number of concepts where there is none. */
static size_t
s_find_concept (cf_slice_t text)
{
    size_t last = sizeof s_concepts / sizeof s_concepts [0] - 1;
    for (size_t row = 0; row < last; row++)
        for (const char *word = s_concepts [row].words; *word;) {
            size_t length = strcspn (++word, " ");
            for (size_t at = 0; at + length <= text.size; at++)
                if ((at == 0 || !isalpha ((unsigned char) text.text [at - 1])) && strncasecmp (text.text + at, word, length) == 0)
                    return row;
            word += length;
        }
    return last + 1;
}

static size_t
s_choose_concept (const cf_brief_t *brief)
{
    size_t count = sizeof s_concepts / sizeof s_concepts [0];
    size_t row = s_find_concept ((cf_slice_t) { brief->idea, strlen (brief->idea) });
    if (row == count)
        row = s_find_concept (brief->code);
    return row == count? count - 1: row;
}

void
cf_answer_pedagogy (const cf_project_t *project, const cf_brief_t *brief, bool flawed, cf_buf_t *out)
{
    (void) project;
    char text [480];
    size_t row = s_choose_concept (brief), lines = brief->code.size > 0;
    for (size_t at = 0; at < brief->code.size; at++)
        lines += brief->code.text [at] == '\n';
    if (lines)
        snprintf (text, sizeof text, "You have already written %zu line%s, so there is something to look at. ", lines, lines == 1? "": "s");
    else
        snprintf (text, sizeof text, "Asking is how it begins. ");
    snprintf (text + strlen (text), sizeof text - strlen (text), "(Simulated: a mentor made of rules asks back, about: %s.)", s_concepts [row].name);
    cf_buf_putc (out, '{');
    cf_answer_put (out, "encouragement", text);
    cf_answer_key (out, "steps");
    cf_buf_putc (out, '[');
    for (size_t at = 0; at < STEPS; at++) {
        cf_answer_key (out, NULL);
        cf_buf_printf (out, "{\"step_number\":%zu", at + 1);
        cf_answer_put (out, "question", s_concepts [row].questions [at]);
        cf_answer_put (out, "hint", flawed && at == STEPS - 1? "Write this:\n```js\nconst total = items.length;\n```": s_concepts [row].hints [at]);
        cf_answer_put (out, "concept", s_concepts [row].name);
        cf_buf_putc (out, '}');
    }
    cf_buf_putc (out, ']');
    cf_answer_put (out, "key_concept", s_concepts [row].key);
    cf_answer_put_list (out, "further_exploration", (const char *const []) {
        "Explain it to somebody else, without the program at hand.", "Change one thing on purpose and say beforehand what will happen.", NULL });
    cf_buf_putc (out, '}');
}

/* ---- decisions */

typedef struct {
    const char *id, *pro, *con, *difficulty, *value;
} option_t;

/*  What can be said of any way without knowing it: how far it is from what is there already. */
static const option_t s_options [] = {
    { "first-way", "Can be tried today, with what is there already.", "Its limits show when the application grows.", "beginner",
      "You see the whole from beginning to end before its parts become difficult." },
    { "second-way", "Carries further when more is asked of it later.", "More has to be understood before anything runs.", "intermediate",
      "You learn what others have already found out, and what it costs to rely on it." },
    { "wait", "What you do not decide now you decide with more knowledge.", "Something has to stand in until then.", "beginner",
      "You learn to keep a decision open behind a small interface." },
};

static void
s_put_option (cf_buf_t *out, const option_t *option, const char *title)
{
    cf_answer_key (out, NULL);
    cf_buf_putc (out, '{');
    cf_answer_put (out, "id", option->id);
    cf_answer_put (out, "title", title);
    cf_answer_put_list (out, "pros", (const char *const []) { option->pro, NULL });
    cf_answer_put_list (out, "cons", (const char *const []) { option->con, NULL });
    cf_answer_put (out, "difficulty", option->difficulty);
    cf_answer_put (out, "educational_value", option->value);
    cf_buf_putc (out, '}');
}

/*  The two ways on both sides of the first " or " of text: the words around it, up to the ends of their clause. */
static bool
s_split (const char *text, char first [160], char second [160])
{
    const char *middle = strcasestr (text, " or ");
    if (!middle)
        return false;
    const char *start = middle;
    while (start > text && !strchr (".,:;?!\n", start [-1]))
        start--;
    while (*start == ' ')
        start++;
    char whole [1000];
    snprintf (whole, sizeof whole, "%.*s", (int) (middle - start), start);
    const char *from = whole;
    for (size_t at = strlen (whole), words = 0; at && words < 8; at--)      /* the last words name the way */
        if (whole [at - 1] == ' ' && ++words == 8)
            from = whole + at;
    cf_project_cut (from, 100, first, 160);
    snprintf (whole, sizeof whole, "%.*s", (int) strcspn (middle + 4, ".,:;?!\n"), middle + 4);
    cf_project_cut (whole, 100, second, 160);
    return strlen (first) >= 3 && strlen (second) >= 3;
}

void
cf_answer_choice (const cf_project_t *project, const cf_brief_t *brief, cf_buf_t *out)
{
    char context [1800], about [1300], first [160], second [160];
    cf_project_cut (brief->idea, 300, about, sizeof about);
    snprintf (context, sizeof context, "To be decided: %s (Simulated: a mentor made of rules lays this out; no model was asked.)", about);
    if (!s_split (brief->idea, first, second)) {
        snprintf (first, sizeof first, "The simplest thing that works");
        snprintf (second, sizeof second, "A library that others have tested");
    }
    cf_buf_putc (out, '{');
    cf_answer_put (out, "context", context);
    cf_answer_key (out, "options");
    cf_buf_putc (out, '[');
    s_put_option (out, &s_options [0], first);
    s_put_option (out, &s_options [1], second);
    s_put_option (out, &s_options [2], "Go on with something that can be exchanged later");
    cf_buf_putc (out, ']');
    snprintf (context, sizeof context, "Ask what %.60s must be able to do in its first version, and take the way that gets you there with the least you cannot undo.",
              brief->requirements.size? project->idea.name: "your application");
    cf_answer_put (out, "recommendation", context);
    cf_buf_putc (out, '}');
}
