/* SPDX-License-Identifier: MPL-2.0 */
/*  slug - names made from an idea */

#include "proto/base/slug.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/*  The plain letters of U+00C0 to U+017F, two bytes in UTF-8, by code point; '-' where there is none. */
static const char s_plain [] =
    "aaaaaaaceeeeiiiidnooooo-ouuuuytsaaaaaaaceeeeiiiidnooooo-ouuuuyty"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
    "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/*  The letter or digit a character stands for, or '-'; *at is moved behind it. */
static char
s_letter (const unsigned char **at)
{
    unsigned byte = **at;
    ++*at;
    if (byte < 0x80)
        return isalnum ((int) byte)? (char) tolower ((int) byte): '-';
    unsigned next = **at;
    if (byte >= 0xC3 && byte <= 0xC5 && (next & 0xC0) == 0x80) {
        ++*at;
        return s_plain [((byte & 0x1F) << 6 | (next & 0x3F)) - 0xC0];
    }
    return '-';
}

char *
cf_slug_make (const char *idea, char slug [CF_SLUG_SIZE])
{
    size_t size = 0;
    bool cut = false;
    for (const unsigned char *at = (const unsigned char *) idea; *at && !cut;) {
        char letter = s_letter (&at);
        if (letter == '-' && (size == 0 || slug [size - 1] == '-'))
            continue;
        cut = size == CF_SLUG_SIZE - 1;
        if (!cut)
            slug [size++] = letter;
    }
    slug [size] = 0;
    char *dash = cut? strrchr (slug, '-'): NULL;
    if (dash && dash > slug + CF_SLUG_SIZE / 2)         /* half a word is only left where the word is most of it */
        *dash = 0;
    size = strlen (slug);
    while (size && slug [size - 1] == '-')
        slug [--size] = 0;
    if (!size)
        snprintf (slug, CF_SLUG_SIZE, "app");
    return slug;
}

char *
cf_slug_title (const char *idea, char title [CF_SLUG_TITLE_SIZE])
{
    size_t size = 0, points = 0, word_end = 0;
    bool cut = false;
    for (const char *at = idea; *at; at++) {
        bool space = (unsigned char) *at <= ' ' || *at == 0x7F, starts = ((unsigned char) *at & 0xC0) != 0x80;
        if (space && (size == 0 || title [size - 1] == ' '))
            continue;
        if (starts && points == CF_SLUG_TITLE_POINTS) {
            cut = !space;
            break;
        }
        points += starts;
        if (space)
            word_end = size;
        if (size < CF_SLUG_TITLE_SIZE - 1)
            title [size++] = space? ' ': *at;
    }
    if (cut && word_end > 0)
        size = word_end;
    while (size && title [size - 1] == ' ')
        size--;
    title [size] = 0;
    if (points < 3 || size < 3)
        snprintf (title, CF_SLUG_TITLE_SIZE, "A project: %.16s", strlen (idea) < 16? idea: "");
    return title;
}
