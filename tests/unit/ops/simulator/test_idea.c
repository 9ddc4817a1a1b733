/* SPDX-License-Identifier: MPL-2.0 */
/*  idea - names, families and nouns that sentences lead to */

#include "ops/simulator/idea.h"
#include "tests/support/unit.h"

#include <string.h>

START_TEST (understands_sentences)
{
    static const struct { const char *text, *name; cf_family_id_t family; const char *items; } rows [] = {
        { "a habit tracker with streaks", "Habit Tracker", CF_FAMILY_HABITS, "habits" },
        { "Build me an app that tracks my plants", "Plant Tracker", CF_FAMILY_COLLECTION, "plants" },
        { "something for my sneakers", "Sneaker Collection", CF_FAMILY_COLLECTION, "sneakers" },
        { "an app called Tide Pool, where surfers log waves", "Tide Pool", CF_FAMILY_COLLECTION, "items" },
        { "A quiz app for learning Spanish vocabulary", "Spanish Vocabulary Quiz", CF_FAMILY_QUIZ, "words" },
        { "quiz about planets", "Planet Quiz", CF_FAMILY_QUIZ, "cards" },
        { "I want to vote on lunch places with my team", "Lunch Place Vote", CF_FAMILY_POLL, "polls" },
        { "a budget planner for couples", "Budget Planner", CF_FAMILY_BUDGET, "entries" },
        { "pomodoro timer", "Pomodoro Timer", CF_FAMILY_TIMER, "sessions" },
        { "a scoreboard for darts", "Dart Scoreboard", CF_FAMILY_SCORES, "players" },
        { "Application that helps nurses manage shifts", "Shift Manager", CF_FAMILY_EVENTS, "shifts" },
        { "recipe box", "Recipe Box", CF_FAMILY_NOTES, "recipes" },
        { "An application to manage the shopping list of our family", "Shopping List Manager", CF_FAMILY_TODO, "articles" },
    };
    for (size_t at = 0; at < sizeof rows / sizeof rows [0]; at++) {
        cf_idea_t idea;
        cf_idea_read (&idea, rows [at].text);
        ck_assert_str_eq (idea.name, rows [at].name);
        ck_assert_msg (idea.family == rows [at].family, "%s", rows [at].text);
        ck_assert_str_eq (idea.items, rows [at].items);
    }
}
END_TEST

START_TEST (hears_extras_audience_and_wishes)
{
    cf_idea_t idea;
    cf_idea_read (&idea, "a todo list for students with a timer, tags and voice control");
    ck_assert_int_eq (idea.family, CF_FAMILY_TODO);
    ck_assert_str_eq (idea.audience, "Students");
    ck_assert_uint_eq (idea.extras, 1u << CF_EXTRA_CLOCK | 1u << CF_EXTRA_TAGS);
    ck_assert_uint_eq (idea.wish_count, 3);
    ck_assert_str_eq (idea.wishes [2], "Voice control");
    ck_assert (cf_idea_answers (&idea, "Timer"));
    ck_assert (!cf_idea_answers (&idea, "voice"));
}
END_TEST

START_TEST (takes_any_text)
{
    static char endless [20000];
    memset (endless, 'x', sizeof endless - 1);
    static const char *const texts [] = {
        "", " ", "!!!", "website", "called", "for", "with", "an app called", "s", "\xE4\xB9\xA0\xE6\x83\xAF\xE8\xBF\xBD\xE8\xB8\xAA\xE5\x99\xA8",
        "aplikacja do nauki j\xC4\x99zyka polskiego", "\xFF\xFE broken \xC3", "a b c d e f g h i j k l m n o p q r s t u v w x y z", endless,
        "with , , , and and and", "es", "ies", "an app for ies",
    };
    for (size_t at = 0; at < sizeof texts / sizeof texts [0]; at++) {
        cf_idea_t idea;
        char slug [40];
        cf_idea_read (&idea, texts [at]);
        ck_assert_msg (*idea.name && *idea.item && *idea.items, "%.40s", texts [at]);
        cf_idea_slug (idea.name, slug, sizeof slug);
        ck_assert (*slug && strspn (slug, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen (slug));
    }
}
END_TEST

UNIT_MAIN ("idea", understands_sentences, hears_extras_audience_and_wishes, takes_any_text)
