/* SPDX-License-Identifier: MPL-2.0 */
/*  config - expands proto/config.def; four sources, one check */

#include "proto/base/config.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STR, U64, BOOL, USD };
enum { SECRET = 1, REQUIRED = 2 };

typedef struct {
    const char *name;
    int type;
    const char *fallback;
    uint64_t min, max;
    int flags;
    const char *choices;
    const char *caption;
} row_t;

static const row_t s_rows [CF_CONFIG_COUNT] = {
#define SETTING(name_, type_, default_, min_, max_, flags_, choices_, caption_) \
    { #name_, type_, default_, min_, max_, flags_, choices_, caption_ },
#include "proto/config.def"
#undef SETTING
};

static struct {
    char *text;                 /* owned; NULL: the default */
    uint64_t number;            /* of U64 and BOOL; of USD in millionths */
} s_values [CF_CONFIG_COUNT];

_Static_assert (CF_CONFIG_COUNT <= 64, "secrets travel as one bit a setting");

static const char *
s_text (cf_config_id_t id)
{
    return s_values [id].text? s_values [id].text: s_rows [id].fallback;
}

static bool
s_is_choice (const char *choices, const char *value)
{
    size_t length = strlen (value);
    for (const char *at = choices; *at;) {
        size_t size = strcspn (at, "|");
        if (size == length && memcmp (at, value, size) == 0)
            return true;
        at += size + (at [size] == '|');
    }
    return false;
}

/*  Reads 1, 0.05 or 12.345678 as millionths. 0, or -1 where it is none of that, or beyond most whole dollars. */
static int
s_read_usd (const char *value, uint64_t most, uint64_t *millionths)
{
    size_t whole = strspn (value, "0123456789"), decimals = value [whole] == '.'? strspn (value + whole + 1, "0123456789"): 0;
    size_t size = whole + (value [whole] == '.') + decimals;
    if (!whole || whole > 12 || decimals > 6 || value [size] || value [size - 1] == '.')
        return -1;
    uint64_t unit = 1000000u;
    *millionths = 0;
    for (const char *at = value; *at; at++)
        if (at < value + whole)
            *millionths = *millionths * 10u + (uint64_t) (*at - '0') * 1000000u;
        else if (*at != '.')
            *millionths += (unit /= 10u) * (uint64_t) (*at - '0');
    return *millionths <= most * 1000000u? 0: -1;
}

/*  Why value does not fit the row, in reason; 0 where it does, with *number set. */
static int
s_check (const row_t *row, const char *value, uint64_t *number, char *reason, size_t reason_size)
{
    if (row->type == BOOL) {
        *number = strcmp (value, "true") == 0;
        if (*number || strcmp (value, "false") == 0)
            return 0;
        snprintf (reason, reason_size, "must be true or false");
        return -1;
    }
    if (row->type == U64) {
        char *end;
        errno = 0;
        unsigned long long parsed = strtoull (value, &end, 10);
        *number = parsed;
        if (isdigit ((unsigned char) *value) && !*end && !errno && parsed >= row->min && parsed <= row->max)
            return 0;
        snprintf (reason, reason_size, "must be a whole number from %llu to %llu",
                  (unsigned long long) row->min, (unsigned long long) row->max);
        return -1;
    }
    if (row->type == USD) {
        *number = 0;
        if (!*value || (s_read_usd (value, row->max, number) == 0 && *number >= row->min * 1000000u))
            return 0;
        snprintf (reason, reason_size, "must be US dollars from %llu to %llu, with at most 6 decimals",
                  (unsigned long long) row->min, (unsigned long long) row->max);
        return -1;
    }
    size_t length = strlen (value);
    if (*value && row->max && (length < row->min || length > row->max)) {
        snprintf (reason, reason_size, "must have %llu to %llu characters",
                  (unsigned long long) row->min, (unsigned long long) row->max);
        return -1;
    }
    if (*row->choices && !s_is_choice (row->choices, value)) {
        snprintf (reason, reason_size, "must be one of %s", row->choices);
        return -1;
    }
    return 0;
}

static void
s_keep (cf_config_id_t id, const char *value, uint64_t number)
{
    free (s_values [id].text);
    s_values [id].text = strdup (value);
    s_values [id].number = number;
}

int
cf_config_set (cf_config_id_t id, const char *value)
{
    char reason [128];
    uint64_t number = 0;
    if (s_check (&s_rows [id], value, &number, reason, sizeof reason))
        return -1;
    s_keep (id, value, number);
    return 0;
}

static void
s_take (cf_config_id_t id, const char *value, cf_buf_t *faults)
{
    char reason [128];
    uint64_t number = 0;
    const row_t *row = &s_rows [id];
    if (s_check (row, value, &number, reason, sizeof reason) == 0)
        s_keep (id, value, number);
    else if (row->flags & SECRET)
        cf_buf_printf (faults, "%s %s\n", row->name, reason);
    else
        cf_buf_printf (faults, "%s=%.80s: %s\n", row->name, value, reason);
}

/*  Reads all of a descriptor, at most 64 KiB. */
static char *
s_slurp (FILE *file)
{
    size_t limit = 65536, size = 0;
    char *text = malloc (limit + 1);
    if (text) {
        size = fread (text, 1, limit, file);
        text [size] = 0;
    }
    return text;
}

/*  NAME=VALUE lines; comments, blank lines, `export ` and quotes around the value as people write them in .env. */
static void
s_take_lines (char *text, bool *seen, cf_buf_t *faults)
{
    char *rest = NULL;
    for (char *line = strtok_r (text, "\n", &rest); line; line = strtok_r (NULL, "\n", &rest)) {
        line += strspn (line, " \t");
        if (strncmp (line, "export ", 7) == 0)
            line += 7;
        char *equals = strchr (line, '=');
        if (*line == '#' || !equals)
            continue;
        *equals = 0;
        char *value = equals + 1;
        size_t length = strlen (value);
        while (length && isspace ((unsigned char) value [length - 1]))
            value [--length] = 0;
        if (length >= 2 && (*value == '"' || *value == '\'') && value [length - 1] == *value) {
            value [length - 1] = 0;
            value++;
        }
        cf_config_id_t id = cf_config_lookup (line);
        if (id != CF_CONFIG_COUNT && !seen [id]) {
            seen [id] = true;
            s_take (id, value, faults);
        }
    }
}

static void
s_take_file (FILE *file, bool *seen, cf_buf_t *faults)
{
    char *text = file? s_slurp (file): NULL;
    if (text)
        s_take_lines (text, seen, faults);
    free (text);
}

static void
s_load_defaults (void)
{
    char reason [128];
    for (int id = 0; id < CF_CONFIG_COUNT; id++)
        if (!s_values [id].text)
            s_check (&s_rows [id], s_rows [id].fallback, &s_values [id].number, reason, sizeof reason);
}

/*  A key set does what the secret of tokens does. */
static bool
s_is_replaced (cf_config_id_t id)
{
    return id == CF_CONFIG_SUPABASE_JWT_SECRET && (*s_text (CF_CONFIG_SUPABASE_URL) || *s_text (CF_CONFIG_JWKS_URL));
}

int
cf_config_load (cf_buf_t *faults)
{
    size_t before = faults->size;
    bool seen [CF_CONFIG_COUNT] = { false };
    const char *fd = getenv ("CF_CONFIG_FD");
    if (fd) {
        FILE *file = fdopen (atoi (fd), "r");
        s_take_file (file, seen, faults);
        if (file)
            fclose (file);
        unsetenv ("CF_CONFIG_FD");
        s_load_defaults ();
        return faults->size == before? 0: -1;
    }
    for (int id = 0; id < CF_CONFIG_COUNT; id++) {
        const char *value = getenv (s_rows [id].name);
        if (value) {
            seen [id] = true;
            s_take ((cf_config_id_t) id, value, faults);
        }
    }
    FILE *file = fopen (".env", "re");
    s_take_file (file, seen, faults);
    if (file)
        fclose (file);
    s_load_defaults ();
    if (strcmp (s_text (CF_CONFIG_ENVIRONMENT), "production") == 0)
        for (int id = 0; id < CF_CONFIG_COUNT; id++)
            if (s_rows [id].flags & REQUIRED && !*s_text ((cf_config_id_t) id) && !s_is_replaced ((cf_config_id_t) id))
                cf_buf_printf (faults, "%s is not set, and ENVIRONMENT=production requires it\n", s_rows [id].name);
    if (!*s_text (CF_CONFIG_TLS_CERT) != !*s_text (CF_CONFIG_TLS_KEY))
        cf_buf_printf (faults, "%s is set, and %s is not: TLS needs both, plain HTTP neither\n",
                       *s_text (CF_CONFIG_TLS_CERT)? "TLS_CERT": "TLS_KEY", *s_text (CF_CONFIG_TLS_CERT)? "TLS_KEY": "TLS_CERT");
    return faults->size == before? 0: -1;
}

void
cf_config_load_or_exit (void)
{
    cf_buf_t faults;
    cf_buf_init (&faults, 65536);
    if (cf_config_load (&faults)) {
        fprintf (stderr, "These settings are wrong:\n%s", faults.bytes);
        exit (CF_CONFIG_EXIT);
    }
    cf_buf_free (&faults);
}

const char *
cf_config_str (cf_config_id_t id)
{
    return s_text (id);
}

uint64_t
cf_config_u64 (cf_config_id_t id)
{
    return s_values [id].number;
}

uint64_t
cf_config_usd (cf_config_id_t id)
{
    return s_values [id].number;
}

bool
cf_config_bool (cf_config_id_t id)
{
    return s_values [id].number != 0;
}

bool
cf_config_is_set (cf_config_id_t id)
{
    return s_values [id].text && *s_values [id].text;
}

const char *
cf_config_name (cf_config_id_t id)
{
    return s_rows [id].name;
}

const char *
cf_config_caption (cf_config_id_t id)
{
    return s_rows [id].caption;
}

const char *
cf_config_default (cf_config_id_t id)
{
    return s_rows [id].fallback;
}

bool
cf_config_is_secret (cf_config_id_t id)
{
    return (s_rows [id].flags & SECRET) != 0;
}

cf_config_id_t
cf_config_lookup (const char *name)
{
    int id = 0;
    while (id < CF_CONFIG_COUNT && strcmp (s_rows [id].name, name))
        id++;
    return (cf_config_id_t) id;
}

int
cf_config_export (uint64_t secrets, cf_buf_t *out)
{
    for (int id = 0; id < CF_CONFIG_COUNT; id++)
        if (s_values [id].text && (!(s_rows [id].flags & SECRET) || secrets & UINT64_C (1) << id))
            cf_buf_printf (out, "%s=%s\n", s_rows [id].name, s_values [id].text);
    return out->overflowed? -1: 0;
}

static const char *
s_join (const char *folder, const char *relative)
{
    static char paths [8] [PATH_MAX + 256];
    static unsigned next;
    char *path = paths [next++ % 8];
    snprintf (path, sizeof paths [0], "%s%s%s", folder, *relative? "/": "", relative);
    return path;
}

const char *
cf_config_home (const char *relative)
{
    char folder [PATH_MAX], absolute [PATH_MAX];
    snprintf (folder, sizeof folder, "%s", s_text (CF_CONFIG_CODEFORGE_HOME));
    return s_join (realpath (folder, absolute)? absolute: folder, relative);
}

const char *
cf_config_share (const char *relative)
{
    const char *given = getenv ("CODEFORGE_SHARE");
    if (given)
        return s_join (given, relative);
    char folder [PATH_MAX];
    ssize_t size = readlink ("/proc/self/exe", folder, sizeof folder - 16);
    folder [size > 0? size: 0] = 0;
    for (int level = 0; level < 2; level++) {
        char *slash = strrchr (folder, '/');
        if (slash)
            *slash = 0;
    }
    strcat (folder, "/share");
    return s_join (folder, relative);
}
