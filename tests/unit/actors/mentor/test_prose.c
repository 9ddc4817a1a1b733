/* SPDX-License-Identifier: MPL-2.0 */
/*  prose - what a mentor may say, and what would give the solution away */

#include "actors/mentor/prose.h"
#include "tests/support/unit.h"

#include <string.h>

START_TEST (words_are_words)
{
    static const char *const texts [] = {
        "", "What should happen when the list is empty?", "Look at the line that starts the counter; which value does it have first?",
        "Compare `map` with `forEach`: what does each of them give back?", "What does push() give back? And what about concat()?",
        "Is the comparison `i <= items.length` still true in the last round?", "Think of the function (the one above): what goes in, what comes out?",
        "Read about let, const and var.", "Which of the two is asked first: the condition, or the body of the loop?",
        "For each of these, note down:\n- the name;\n- the price;\n- the sum so far.", "Try it with 1, 2 and 3 (in this order).",
        "What does the <ul> element expect inside of it?", "If a is greater than b, which one should win?", "Imports at the top, exports at the bottom.",
        "Draw it: a box for the name -> an arrow -> a box for the value.", "Time = distance / speed: which of the three do you know?",
        "What would {name} stand for in such a template?", "Was bedeutet der Fehler \xE2\x80\x9Eundefined is not a function\xE2\x80\x9C?",
        "class, for and if are words of the language:\nlook up what each one does.", "Let x be the number of rounds.", "You may select one from the list.",
        "The event is => as people say => passed on upwards.", "What is the type of null == undefined?",
        "What would it return then; the old value, or the new one?", "Speed = distance / time; which of them do you look for?",
        "Look at the item(s); are they sorted?", "Compare slice(); what about splice()?"
    };
    char sample [CF_PROSE_SAMPLE];
    for (size_t at = 0; at < sizeof texts / sizeof texts [0]; at++)
        ck_assert_msg (!cf_prose_shows_code (texts [at], sample), "%s: %s", texts [at], sample);
}
END_TEST

START_TEST (code_is_noticed)
{
    static const char *const texts [] = {
        "Like this:\n```js\nlet a\n```", "Write const total = 0 before the loop.", "let sum: number = 0", "total += price;", "items[i] = next;",
        "Then call setItems(next); and look.", "return a + b;", "items.map((item) => item.price)", "Use items.filter(x => x.done)",
        "function add(a, b) { return a + b }", "def add(a, b):\n    return a + b", "def add(a): return a", "if (i < 3) {\n  stop\n}", "for (const x of xs)\n  show(x)",
        "while (true) {", "if a == b:\n    pass", "for item in items:\n    print(item)", "class Plant:\n    pass", "import React from 'react'",
        "from math import pi", "#include <stdio.h>", "<li>Milk</li>", "Put <input type=\"date\"> there", "p { color: red; }", "{ name: 'x' }",
        "SELECT name FROM plants WHERE id = 1", "INSERT INTO plants VALUES (1)", "Das geht so: var x = 1", "})", "button.addEventListener('click', () => {"
    };
    char sample [CF_PROSE_SAMPLE];
    for (size_t at = 0; at < sizeof texts / sizeof texts [0]; at++) {
        ck_assert_msg (cf_prose_shows_code (texts [at], sample), "%s", texts [at]);
        ck_assert_uint_gt (strlen (sample), 0);
    }
}
END_TEST

START_TEST (a_sample_is_cut_between_characters)
{
    char text [600] = "let x = 1; { a: ", sample [CF_PROSE_SAMPLE];
    strcpy (text, "{ a: ");
    while (strlen (text) < 400)
        strcat (text, "\xC3\xA9\xE2\x82\xAC");
    strcat (text, " }");
    ck_assert (cf_prose_shows_code (text, sample));
    cf_json_t *string = json_string (sample);
    ck_assert (string != NULL);         /* only UTF-8 becomes a JSON string */
    ck_assert_uint_ge (strlen (sample), CF_PROSE_SAMPLE - 4);
    json_decref (string);
}
END_TEST

START_TEST (every_string_of_a_document_is_looked_at)
{
    static const char text [] = "{\"encouragement\":\"Good.\",\"steps\":[{\"step_number\":1,\"hint\":\"Fine.\"},{\"hint\":\"x = 1;\"}],\"more\":[\"Fine.\",\"a();\"]}";
    cf_json_t *document = cf_json_parse (text, strlen (text), NULL);
    cf_buf_t complaints;
    cf_buf_init (&complaints, 4096);
    ck_assert_uint_eq (cf_prose_check (document, &complaints), 2);
    ck_assert (strstr (complaints.bytes, "- steps.1.hint: shows code (x = 1;)") != NULL);
    ck_assert (strstr (complaints.bytes, "- more.1: shows code (a();)") != NULL);
    cf_buf_free (&complaints);
    json_decref (document);
}
END_TEST

UNIT_MAIN ("prose", words_are_words, code_is_noticed, a_sample_is_cut_between_characters, every_string_of_a_document_is_looked_at)
