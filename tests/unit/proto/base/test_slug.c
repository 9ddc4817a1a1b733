/* SPDX-License-Identifier: MPL-2.0 */
/*  slug - names made from ideas in any script */

#include "proto/base/slug.h"
#include "tests/support/unit.h"

static void
s_check (const char *idea, const char *expected)
{
    char slug [CF_SLUG_SIZE];
    ck_assert_str_eq (cf_slug_make (idea, slug), expected);
}

START_TEST (keeps_letters_and_digits)
{
    s_check ("A to-do list, for 2 gardeners!", "a-to-do-list-for-2-gardeners");
    s_check ("  --x--  ", "x");
    s_check ("../../etc/passwd", "etc-passwd");
    s_check ("Größe & Röcke: ÉTÉ à Łódź", "grose-rocke-ete-a-lodz");
    s_check ("", "app");
    s_check ("!!!", "app");
    s_check ("食谱", "app");
    s_check ("食谱 app 2", "app-2");
    s_check ("\xC3", "app");
    s_check ("a\xC3(b", "a-b");
}
END_TEST

START_TEST (cuts_at_a_word)
{
    char slug [CF_SLUG_SIZE];
    cf_slug_make ("an application that helps people who live in small towns to share tools", slug);
    ck_assert_str_eq (slug, "an-application-that-helps-people-who-live-in-small-towns-to");
    s_check ("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg",
             "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff");
    s_check ("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff");
}
END_TEST

START_TEST (makes_titles_that_the_api_takes)
{
    char title [CF_SLUG_TITLE_SIZE], idea [2000];
    ck_assert_str_eq (cf_slug_title ("  a\tlist\n\nof  things ", title), "a list of things");
    ck_assert_str_eq (cf_slug_title ("hi", title), "A project: hi");
    ck_assert_str_eq (cf_slug_title ("食谱集", title), "食谱集");
    memset (idea, 0, sizeof idea);
    for (int at = 0; at < 100; at++)
        strcat (idea, "word ");
    cf_slug_title (idea, title);
    ck_assert_uint_eq (strlen (title), 199);
    ck_assert_str_eq (title + 195, "word");
    idea [0] = 0;
    for (int at = 0; at < 300; at++)
        strcat (idea, "食");
    ck_assert_uint_eq (strlen (cf_slug_title (idea, title)), 600);
}
END_TEST

UNIT_MAIN ("slug", keeps_letters_and_digits, cuts_at_a_word, makes_titles_that_the_api_takes)
