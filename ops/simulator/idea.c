/* SPDX-License-Identifier: MPL-2.0 */
/*  idea - keyword rules over families.def, and a little grammar for the name */

#include "ops/simulator/idea.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MAX_WORDS 240
#define MAX_NAME_WORDS 4

typedef struct {
    char lower [32];            /* lower case, cut */
    const char *text;           /* as written */
    size_t size;
    bool opens;                 /* punctuation stands before it */
} word_t;

typedef struct {
    word_t words [MAX_WORDS];
    size_t count;               /* words kept */
    size_t total;               /* words in the text */
} sentence_t;

static const cf_family_t s_families [] = {
#define FAMILY(id_, script_, item_, items_, title_, role_, goal_, pain_) \
    { #script_, item_, items_, title_, role_, goal_, pain_ },
#include "ops/simulator/families.def"
#undef FAMILY
};

static const struct { cf_family_id_t family; const char *stem; unsigned weight; const char *item, *items; } s_words [] = {
#define WORD(family_, stem_, weight_, item_, items_) { CF_FAMILY_##family_, stem_, weight_, item_, items_ },
#include "ops/simulator/families.def"
#undef WORD
};

static const char *const s_extras [] = {
#define EXTRA(id_, stems_, feature_, description_) stems_,
#include "ops/simulator/families.def"
#undef EXTRA
};

static const struct { cf_family_id_t family; cf_extra_id_t extra; } s_covers [] = {
#define COVERS(family_, extra_) { CF_FAMILY_##family_, CF_EXTRA_##extra_ },
#include "ops/simulator/families.def"
#undef COVERS
};

/* words around the name of a thing */
static const char s_lead [] = " please i we want wants need needs would like to build make create develop design write me us you can could"
    " let's lets help a an the my our your simple small basic easy tiny little new modern nice good great beautiful smart"
    " generate code give get have some kind of ";
static const char s_generic [] = " app apps application applications web webapp website site tool platform system software program"
    " service page project something mobile online digital interactive ";
static const char s_stop [] = " with for about that which where to so and of by using in on from when who whose while as or but because"
    " including plus is are ";
static const char s_filler [] = " i you we people users user lets let helps help helping can could me us them my our your their to will"
    " allows allow should a an the be able easily who just all how much many ";
static const char s_crowd [] = " kids children people family families team teams friends students everyone adults seniors parents couples"
    " roommates colleagues clubs pets schools classes nurses users owners customers ";

static const struct { const char *stem, *title; } s_verbs [] = {
    { "track", "Tracker" }, { "manag", "Manager" }, { "plan", "Planner" }, { "log", "Log" }, { "record", "Log" },
    { "learn", "Trainer" }, { "practi", "Trainer" }, { "memori", "Trainer" }, { "organi", "Organizer" }, { "count", "Counter" },
    { "shar", "Board" }, { "find", "Finder" }, { "collect", "Collection" }, { "split", "Splitter" }, { "rat", "Ratings" },
    { "remember", "Keeper" }, { "remind", "Reminder" }, { "vot", "Poll" }, { "catalog", "Catalogue" }, { "writ", "Notebook" },
    { "keep", "Keeper" }, { "schedul", "Scheduler" }, { "budget", "Budget" }, { "sav", "Keeper" }, { "measur", "Meter" }, { "booking", "Bookings" },
};

const cf_family_t *
cf_idea_family (cf_family_id_t id)
{
    return &s_families [id];
}

uint64_t
cf_idea_hash (const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint64_t hash = UINT64_C (0xcbf29ce484222325);      /* FNV-1a, then a final mix (MurmurHash3's) */
    for (size_t index = 0; index < size; index++)
        hash = (hash ^ at [index]) * UINT64_C (0x100000001b3);
    hash = (hash ^ (hash >> 33)) * UINT64_C (0xff51afd7ed558ccd);
    return hash ^ (hash >> 33);
}

/*  Whether word stands in a list of words, each with a space on both sides. */
static bool
s_in (const char *list, const char *word)
{
    char padded [40];
    snprintf (padded, sizeof padded, " %s ", word);
    return strstr (list, padded) != NULL;
}

static bool
s_begins (const char *word, const char *stem)
{
    while (*stem && *stem != ' ' && *word == *stem) {
        word++;
        stem++;
    }
    return !*stem || (*stem == ' ' && !*word);
}

static bool
s_word_byte (unsigned char byte)
{
    return isalnum (byte) || byte >= 0x80 || byte == '-' || byte == '\'';
}

static void
s_split (sentence_t *self, const char *text)
{
    self->count = self->total = 0;
    bool opens = false;
    while (*text) {
        if (!s_word_byte ((unsigned char) *text)) {
            opens |= !isspace ((unsigned char) *text);
            text++;
            continue;
        }
        const char *start = text;
        while (s_word_byte ((unsigned char) *text))
            text++;
        self->total++;
        if (self->count == MAX_WORDS)
            continue;
        word_t *word = &self->words [self->count++];
        *word = (word_t) { .text = start, .size = (size_t) (text - start), .opens = opens };
        for (size_t at = 0; at < word->size && at < sizeof word->lower - 1; at++)
            word->lower [at] = (char) tolower ((unsigned char) start [at]);
        opens = false;
    }
}

/*  The family whose words weigh most; words before "with" count double, as they name the thing itself. */
static void
s_choose_family (cf_idea_t *self, const sentence_t *sentence)
{
    unsigned weights [CF_FAMILIES] = { 0 };
    unsigned factor = 2;
    for (size_t at = 0; at < sentence->count; at++) {
        if (s_in (" with including plus ", sentence->words [at].lower))
            factor = 1;
        for (size_t row = 0; row < sizeof s_words / sizeof s_words [0]; row++)
            if (s_begins (sentence->words [at].lower, s_words [row].stem))
                weights [s_words [row].family] += s_words [row].weight * factor;
    }
    self->family = CF_FAMILY_COLLECTION;
    for (unsigned family = 0; family < CF_FAMILIES; family++)
        if (weights [family] > weights [self->family])
            self->family = (cf_family_id_t) family;
}

static void
s_choose_item (cf_idea_t *self, const sentence_t *sentence)
{
    const cf_family_t *family = &s_families [self->family];
    snprintf (self->item, sizeof self->item, "%s", family->item);
    snprintf (self->items, sizeof self->items, "%s", family->items);
    for (size_t at = 0; at < sentence->count; at++)
        for (size_t row = 0; row < sizeof s_words / sizeof s_words [0]; row++)
            if (s_words [row].family == self->family && s_words [row].item && s_begins (sentence->words [at].lower, s_words [row].stem)) {
                snprintf (self->item, sizeof self->item, "%s", s_words [row].item);
                snprintf (self->items, sizeof self->items, "%s", s_words [row].items);
                return;
            }
}

/*  The extras that a word (in lower case) speaks for, as bits. */
static unsigned
s_extras_of (const char *word)
{
    unsigned extras = 0;
    for (unsigned extra = 0; extra < CF_EXTRAS; extra++)
        for (const char *stem = s_extras [extra] + 1; *stem; stem += strcspn (stem, " ") + 1)
            if (!strncmp (word, stem, strcspn (stem, " ")))
                extras |= 1u << extra;
    return extras;
}

/*  The extras that a family brings along. */
static unsigned
s_covered_by (cf_family_id_t family)
{
    unsigned extras = 0;
    for (size_t row = 0; row < sizeof s_covers / sizeof s_covers [0]; row++)
        if (s_covers [row].family == family)
            extras |= 1u << s_covers [row].extra;
    return extras;
}

bool
cf_idea_answers (const cf_idea_t *self, const char *word)
{
    char lower [32] = "";
    for (size_t at = 0; at < sizeof lower - 1 && word [at]; at++)
        lower [at] = (char) tolower ((unsigned char) word [at]);
    for (size_t row = 0; row < sizeof s_words / sizeof s_words [0]; row++)
        if (s_words [row].family == self->family && s_begins (lower, s_words [row].stem))
            return true;
    return s_extras_of (lower) & (self->extras | s_covered_by (self->family));
}

static void
s_choose_extras (cf_idea_t *self, const sentence_t *sentence)
{
    self->extras = 0;
    for (size_t at = 0; at < sentence->count; at++)
        self->extras |= s_extras_of (sentence->words [at].lower);
    self->extras &= ~s_covered_by (self->family);
}

/*  Appends a word with its first letter in upper case; false where there is no room. */
static bool
s_put_word (char *out, size_t size, const char *word, size_t length, bool upper)
{
    size_t used = strlen (out);
    if (used + length + 2 > size)
        return false;
    if (used)
        out [used++] = ' ';
    memcpy (out + used, word, length);
    if (upper)
        out [used] = (char) toupper ((unsigned char) out [used]);
    out [used + length] = 0;
    return true;
}

/*  "an app called Tide Pool": the words behind, up to the next stop. */
static bool
s_explicit_name (const sentence_t *sentence, char *name, size_t size)
{
    for (size_t at = 0; at + 1 < sentence->count; at++) {
        if (!s_in (" called named titled ", sentence->words [at].lower))
            continue;
        for (size_t next = at + 1; next < sentence->count && next <= at + MAX_NAME_WORDS; next++) {
            const word_t *word = &sentence->words [next];
            if ((next > at + 1 && word->opens) || s_in (s_stop, word->lower))
                break;
            s_put_word (name, size, word->text, word->size, true);
        }
        return *name != 0;
    }
    return false;
}

/*  Collects what stands from *at to the next stop, leaving out words of skip; leaves *at at the stop. */
static void
s_phrase (const sentence_t *sentence, size_t *at, const char *skip, unsigned max, char *name, size_t size)
{
    for (unsigned taken = 0; *at < sentence->count; ++*at) {
        const word_t *word = &sentence->words [*at];
        if ((word->opens && *name) || s_in (s_stop, word->lower))
            return;
        if (!s_in (skip, word->lower) && taken < max && s_put_word (name, size, word->text, word->size, true))
            taken++;
    }
}

static const char *
s_verb_title (const char *word)
{
    static const char endings [] = " s e es ing ning ting ging ed ise ize ises izes ising izing se ze ses zes sing zing ce ces cing ue ues ";
    for (size_t row = 0; row < sizeof s_verbs / sizeof s_verbs [0]; row++) {
        size_t size = strlen (s_verbs [row].stem);
        if (!strncmp (word, s_verbs [row].stem, size) && (!word [size] || s_in (endings, word + size)))
            return s_verbs [row].title;
    }
    return NULL;
}

static void
s_singularize (char *name)
{
    size_t size = strlen (name);
    if (size > 4 && !strcmp (name + size - 3, "ies"))
        strcpy (name + size - 3, "y");
    else if (size > 4 && (!strcmp (name + size - 4, "shes") || !strcmp (name + size - 4, "ches") || !strcmp (name + size - 3, "xes")))
        name [size - 2] = 0;
    else if (size > 3 && name [size - 1] == 's' && name [size - 2] != 's')
        name [size - 1] = 0;
}

/*  Whether a word names people: "teachers", "cyclists". */
static bool
s_crowded (const word_t *word)
{
    size_t size = strlen (word->lower);
    const char *end = word->lower + size;
    return s_in (s_crowd, word->lower) || (size > 4 && (!strcmp (end - 3, "ers") || !strcmp (end - 4, "ists")
        || !strcmp (end - 4, "ians") || !strcmp (end - 3, "ors")));
}

/*  "an app that tracks my plants": Plant Tracker; "something for sneakers": Sneaker Collection. */
static void
s_purpose_name (cf_idea_t *self, const sentence_t *sentence, size_t at, char *name, size_t size)
{
    const char *title = s_families [self->family].title;
    while (at < sentence->count && (s_in (s_stop, sentence->words [at].lower) || s_in (s_filler, sentence->words [at].lower)))
        at++;
    if (at + 1 < sentence->count && s_crowded (&sentence->words [at]) && s_verb_title (sentence->words [at + 1].lower)) {
        s_put_word (self->audience, sizeof self->audience, sentence->words [at].text, sentence->words [at].size, true);
        at++;
    }
    if (at < sentence->count && s_verb_title (sentence->words [at].lower))
        title = s_verb_title (sentence->words [at++].lower);
    s_phrase (sentence, &at, s_filler, 3, name, size - 24);
    if (!*name)
        s_put_word (name, size, self->items, strlen (self->items), true);
    s_singularize (name);
    const char *last = strrchr (name, ' ');
    if (strcmp (last? last + 1: name, title))
        s_put_word (name, size, title, strlen (title), true);
}

/*  "a quiz about planets" is a Planet Quiz: one word alone says little. */
static void
s_specify_name (const sentence_t *sentence, size_t at, char *name, size_t size)
{
    if (strchr (name, ' ') || at >= sentence->count || !s_in (" for on of about ", sentence->words [at].lower))
        return;
    char head [40], phrase [80] = "";
    at++;
    if (at < sentence->count && s_verb_title (sentence->words [at].lower))
        at++;
    s_phrase (sentence, &at, s_filler, 3, phrase, sizeof phrase);
    s_singularize (phrase);
    if (!*phrase || strlen (name) >= sizeof head || s_crowded (&sentence->words [at - 1]))
        return;
    snprintf (head, sizeof head, "%s", name);
    snprintf (name, size, "%s %s", phrase, head);
}

static void
s_choose_name (cf_idea_t *self, const sentence_t *sentence)
{
    char name [128] = "", skip [sizeof s_lead + sizeof s_generic];
    snprintf (skip, sizeof skip, "%s%s", s_lead, s_generic);
    if (!s_explicit_name (sentence, name, sizeof name)) {
        size_t at = 0;
        while (at < sentence->count && s_in (s_lead, sentence->words [at].lower))
            at++;
        s_phrase (sentence, &at, skip, MAX_NAME_WORDS, name, sizeof name);
        if (!*name)
            s_purpose_name (self, sentence, at, name, sizeof name);
        else
            s_specify_name (sentence, at, name, sizeof name);
    }
    cf_idea_rename (self, name);
}

/*  Nouns of people: "for students", "for nervous public speakers". */
static void
s_choose_audience (cf_idea_t *self, const sentence_t *sentence)
{
    for (size_t at = 0; !*self->audience && at + 1 < sentence->count; at++) {
        if (strcmp (sentence->words [at].lower, "for"))
            continue;
        char phrase [80] = "";
        size_t next = at + 1;
        s_phrase (sentence, &next, s_lead, 4, phrase, sizeof phrase);
        char stem [80];
        snprintf (stem, sizeof stem, "%s", phrase);
        s_singularize (stem);
        if (*phrase && s_crowded (&sentence->words [next - 1]) && !strstr (self->name, stem)) {
            snprintf (self->audience, sizeof self->audience, "%s", phrase);
            return;
        }
    }
}

/*  The phrases listed behind "with": wishes, of which the caller keeps those that no feature covers. */
static void
s_collect_wishes (cf_idea_t *self, const sentence_t *sentence)
{
    size_t at = 0;
    while (at < sentence->count && !s_in (" with including plus ", sentence->words [at].lower))
        at++;
    while (++at < sentence->count && self->wish_count < CF_IDEA_MAX_WISHES) {
        char *wish = self->wishes [self->wish_count];
        for (unsigned taken = 0; at < sentence->count && taken < 5; at++) {
            const word_t *word = &sentence->words [at];
            if ((*wish && word->opens) || s_in (" and or plus also so that because ", word->lower))
                break;
            if (!s_in (" a an the some my our their its ", word->lower)) {
                s_put_word (wish, sizeof self->wishes [0], word->text, word->size, !*wish);
                taken++;
            }
        }
        if (*wish && at < sentence->count && sentence->words [at].opens)
            at--;                       /* it begins the next one */
        self->wish_count += *wish != 0;
    }
}

static bool
s_is_title (const char *word)
{
    for (size_t row = 0; row < sizeof s_verbs / sizeof s_verbs [0]; row++)
        if (!strcmp (word, s_verbs [row].title))
            return true;
    return !strcmp (word, "List") || !strcmp (word, "Inventory");
}

/*  A collection of what? "Sneaker Collection" says it, where no keyword did. */
static void
s_guess_item (cf_idea_t *self)
{
    if (self->family != CF_FAMILY_COLLECTION || strcmp (self->item, "item"))
        return;
    char word [40];
    const char *space = strrchr (self->name, ' ');
    size_t size = space? (size_t) (space - self->name): strlen (self->name);
    size_t start = size;
    while (start && self->name [start - 1] != ' ')
        start--;
    if (size - start < 3 || size - start >= sizeof word || !space || !s_is_title (space + 1))
        return;
    for (size_t at = start; at < size; at++) {
        if (!isalpha ((unsigned char) self->name [at]))
            return;
        word [at - start] = (char) tolower ((unsigned char) self->name [at]);
    }
    word [size - start] = 0;
    s_singularize (word);
    snprintf (self->item, sizeof self->item, "%s", word);
    size_t length = strlen (word);
    bool hisses = word [length - 1] == 's' || word [length - 1] == 'x' || !strcmp (word + length - 2, "ch") || !strcmp (word + length - 2, "sh");
    if (word [length - 1] == 'y' && !strchr ("aeiou", word [length - 2]))
        snprintf (self->items, sizeof self->items, "%.*sies", (int) (length - 1), word);
    else
        snprintf (self->items, sizeof self->items, "%s%s", word, hisses? "es": "s");
}

void
cf_idea_rename (cf_idea_t *self, const char *name)
{
    size_t size = strlen (name);
    if (size > 150)
        for (size = 150; size && ((unsigned char) name [size] & 0xC0) == 0x80; size--);
    memmove (self->name, name, size);
    self->name [size] = 0;
    self->seed = cf_idea_hash (self->name, size);
}

void
cf_idea_read (cf_idea_t *self, const char *text)
{
    sentence_t sentence;
    *self = (cf_idea_t) { 0 };
    s_split (&sentence, text);
    self->words = sentence.total;
    s_choose_family (self, &sentence);
    s_choose_item (self, &sentence);
    s_choose_extras (self, &sentence);
    s_choose_name (self, &sentence);
    s_choose_audience (self, &sentence);
    s_collect_wishes (self, &sentence);
    s_guess_item (self);
}

void
cf_idea_slug (const char *name, char *slug, size_t size)
{
    size_t used = 0;
    for (; *name && used + 1 < size; name++) {
        if (isalnum ((unsigned char) *name))
            slug [used++] = (char) tolower ((unsigned char) *name);
        else if (used && slug [used - 1] != '-' && (unsigned char) *name < 0x80 && *name != '\'')
            slug [used++] = '-';
    }
    while (used && slug [used - 1] == '-')
        used--;
    slug [used] = 0;
    if (!used)
        snprintf (slug, size, "app");
}
