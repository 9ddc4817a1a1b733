/* SPDX-License-Identifier: MPL-2.0 */
/*  project - name, pitch, features and colours of the app that an idea leads to */

#include "ops/simulator/project.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MUST CF_PRIORITY_MUST
#define SHOULD CF_PRIORITY_SHOULD

static const struct { cf_family_id_t family; cf_priority_t priority; const char *name, *description; } s_offers [] = {
#define OFFER(family_, priority_, name_, description_) { CF_FAMILY_##family_, priority_, name_, description_ },
#include "ops/simulator/families.def"
#undef OFFER
};

static const struct { const char *name, *description; } s_extras [] = {
#define EXTRA(id_, stems_, feature_, description_) { feature_, description_ },
#include "ops/simulator/families.def"
#undef EXTRA
};

/* what every app can do */
static const struct { cf_priority_t priority; const char *name, *description; } s_common [] = {
    { CF_PRIORITY_SHOULD, "Search and sort", "Find and order %s by what stands in them." },
    { CF_PRIORITY_SHOULD, "Kept on the device", "Keep all %s in the browser, across visits, without an account." },
    { CF_PRIORITY_NICE, "Export and import", "Save all %s to a file and read them back." },
    { CF_PRIORITY_NICE, "Dark mode", "Switch between light and dark colours; the %s stay as they are." },
};

static const cf_palette_t s_palettes [] = {
    { "#2f6f4f", "#1d4a34", "#dceee4", "#58a07b" }, { "#3457b1", "#223b7d", "#dfe6f8", "#6f8fe0" },
    { "#8a3b6b", "#5e2548", "#f5dfec", "#c3709f" }, { "#9a4a1c", "#6b3110", "#f8e4d8", "#d98a55" },
    { "#0f6b78", "#094650", "#d6eef1", "#45a5b3" }, { "#5b45a8", "#3c2c75", "#e6e0f7", "#917cd8" },
    { "#7a5a00", "#523c00", "#f5ecd0", "#bd9630" }, { "#a1324a", "#6f1f31", "#f8dde3", "#d86f86" },
};

const char *
cf_project_priority (cf_priority_t priority)
{
    static const char *const names [] = { "must-have", "should-have", "nice-to-have" };
    return names [priority];
}

char *
cf_project_cut (const char *text, size_t max, char *out, size_t size)
{
    size_t at = 0, points = 0;
    for (; text [at]; at++) {
        bool starts = ((unsigned char) text [at] & 0xC0) != 0x80;
        if (starts && (points++ == max || at + 4 >= size))
            break;
    }
    if (at >= size)
        at = size - 1;
    memcpy (out, text, at);
    out [at] = 0;
    return out;
}

static void
s_add_feature (cf_project_t *self, cf_priority_t priority, const char *name, const char *description)
{
    if (self->feature_count == CF_PROJECT_MAX_FEATURES)
        return;
    cf_feature_t *feature = &self->features [self->feature_count++];
    feature->priority = priority;
    cf_project_cut (name, 120, feature->name, sizeof feature->name);
    const char *gap = strstr (description, "%s");
    if (gap)
        snprintf (feature->description, sizeof feature->description, "%.*s%s%s", (int) (gap - description), description, self->idea.items, gap + 2);
    else
        cf_project_cut (description, 390, feature->description, sizeof feature->description);
}

/*  Whether some feature speaks of a wish: their longer words share a stem. */
static bool
s_covered (const cf_project_t *self, const char *wish)
{
    char copy [96], *rest = copy, *word;
    snprintf (copy, sizeof copy, "%s", wish);
    while ((word = strsep (&rest, " "))) {
        if (cf_idea_answers (&self->idea, word))
            return true;
        for (size_t at = 0; strlen (word) > 3 && at < self->feature_count; at++) {
            char stem [8];
            snprintf (stem, sizeof stem, "%.*s", strlen (word) > 6? 6: (int) strlen (word) - 1, word);
            if (strcasestr (self->features [at].name, stem) || strcasestr (self->features [at].description, stem))
                return true;
        }
    }
    return false;
}

static void
s_add_offers (cf_project_t *self, cf_priority_t priority)
{
    for (size_t at = 0; at < sizeof s_offers / sizeof s_offers [0]; at++)
        if (s_offers [at].family == self->idea.family && s_offers [at].priority == priority)
            s_add_feature (self, priority, s_offers [at].name, s_offers [at].description);
}

static void
s_plan_features (cf_project_t *self)
{
    s_add_offers (self, MUST);
    for (size_t extra = 0; extra < CF_EXTRAS; extra++)
        if (self->idea.extras & 1u << extra)
            s_add_feature (self, CF_PRIORITY_MUST, s_extras [extra].name, s_extras [extra].description);
    s_add_offers (self, SHOULD);
    for (size_t at = 0; at < sizeof s_common / sizeof s_common [0]; at++)
        s_add_feature (self, s_common [at].priority, s_common [at].name, s_common [at].description);
    for (size_t at = 0; at < self->idea.wish_count; at++)
        if (!s_covered (self, self->idea.wishes [at])) {
            size_t used = strlen (self->unbuilt);
            snprintf (self->unbuilt + used, sizeof self->unbuilt - used, "%s%s", used? ", ": "", self->idea.wishes [at]);
        }
}

static void
s_plan_pitch (cf_project_t *self)
{
    const cf_family_t *family = cf_idea_family (self->idea.family);
    char crowd [100];
    snprintf (crowd, sizeof crowd, "%s", self->idea.audience [0]? self->idea.audience: family->role);
    for (char *at = crowd; *at; at++)
        *at = (char) tolower ((unsigned char) *at);
    if (self->idea.seed >> 8 & 1)
        snprintf (self->pitch, sizeof self->pitch, "%s is a small app for %s who want to %s.", self->idea.name, crowd, family->goal);
    else
        snprintf (self->pitch, sizeof self->pitch, "%s lets %s %s, without an account and without a server.",
                  self->idea.name, crowd, family->goal);
}

static bool
s_string_member (cf_slice_t object, const char *key, char *out, size_t size)
{
    cf_slice_t value;
    if (!cf_scan_lookup (object, key, &value) || value.size < 3 || *value.text != '"')
        return false;
    cf_buf_t text;
    cf_buf_init (&text, 16384);
    cf_scan_unescape ((cf_slice_t) { value.text + 1, value.size - 2 }, &text);
    cf_project_cut (text.bytes, size / 2, out, size);
    cf_buf_free (&text);
    return *out != 0;
}

static void
s_adopt_features (cf_project_t *self, cf_slice_t requirements)
{
    cf_slice_t features, feature;
    if (!cf_scan_lookup (requirements, "core_features", &features))
        return;
    cf_scan_t scan;
    cf_scan_init (&scan, features.text, features.size);
    if (!cf_scan_enter (&scan, '['))
        return;
    while (self->feature_count < CF_PROJECT_MAX_FEATURES && cf_scan_next (&scan, NULL) && cf_scan_skip (&scan, &feature)) {
        cf_feature_t *next = &self->features [self->feature_count];
        char priority [24] = "";
        s_string_member (feature, "priority", priority, sizeof priority);
        next->priority = !strcmp (priority, "nice-to-have")? CF_PRIORITY_NICE: !strcmp (priority, "should-have")? SHOULD: MUST;
        if (s_string_member (feature, "name", next->name, sizeof next->name)) {
            s_string_member (feature, "description", next->description, sizeof next->description);
            self->feature_count++;
            for (size_t extra = 0; extra < CF_EXTRAS; extra++)
                if (!strcmp (next->name, s_extras [extra].name))
                    self->idea.extras |= 1u << extra;
        }
    }
}

/*  What the app is about, where the request does not repeat the idea: all that the requirements say. */
static void
s_read_idea_of_features (cf_project_t *self, const cf_brief_t *brief)
{
    cf_buf_t text;
    cf_buf_init (&text, 64 * 1024);
    cf_buf_puts (&text, brief->idea);
    for (size_t at = 0; at < self->feature_count; at++)
        if (self->features [at].priority == MUST)
            cf_buf_printf (&text, ", %s. %s", self->features [at].name, self->features [at].description);
    unsigned extras = self->idea.extras;
    cf_idea_read (&self->idea, text.bytes);
    self->idea.extras |= extras;
    cf_buf_free (&text);
}

static bool
s_adopt_requirements (cf_project_t *self, const cf_brief_t *brief)
{
    char name [160];
    if (!brief->requirements.size || !s_string_member (brief->requirements, "app_name", name, sizeof name))
        return false;
    s_adopt_features (self, brief->requirements);
    if (!brief->idea_given)
        s_read_idea_of_features (self, brief);
    cf_idea_rename (&self->idea, name);
    if (!s_string_member (brief->requirements, "elevator_pitch", self->pitch, sizeof self->pitch))
        s_plan_pitch (self);
    return true;
}

void
cf_project_plan (cf_project_t *self, const cf_brief_t *brief)
{
    memset (self, 0, sizeof *self);
    cf_idea_read (&self->idea, brief->idea);
    if (brief->audience.size && brief->audience.size < sizeof self->idea.audience)
        snprintf (self->idea.audience, sizeof self->idea.audience, "%.*s", (int) brief->audience.size, brief->audience.text);
    if (!s_adopt_requirements (self, brief)) {
        s_plan_features (self);
        s_plan_pitch (self);
    }
    if (!self->feature_count)
        s_plan_features (self);
    self->palette = s_palettes [self->idea.seed % (sizeof s_palettes / sizeof s_palettes [0])];
}
