/* SPDX-License-Identifier: MPL-2.0 */
/*  review - the rules */

#include "ops/simulator/review.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE_BYTES (1u << 20)

/* ---- files and issues */

static void
s_read_file (cf_review_t *self, cf_slice_t object)
{
    cf_scan_t scan;
    cf_slice_t key, raw, path = { "", 0 }, content = { NULL, 0 };
    cf_scan_init (&scan, object.text, object.size);
    if (!cf_scan_enter (&scan, '{'))
        return;
    while (cf_scan_next (&scan, &key)) {
        bool text = cf_scan_peek (&scan) == '"';
        if (text? !cf_scan_string (&scan, &raw): !cf_scan_skip (&scan, NULL))
            return;
        if (text && (cf_slice_is (key, "file_path") || cf_slice_is (key, "path")))
            path = raw;
        else if (text && cf_slice_is (key, "content"))
            content = raw;
    }
    if (!path.size || !content.text)
        return;
    cf_review_file_t *file = &self->files [self->file_count++];
    cf_buf_init (&file->path, MAX_FILE_BYTES);
    cf_buf_init (&file->content, MAX_FILE_BYTES);
    cf_scan_unescape (path, &file->path);
    cf_scan_unescape (content, &file->content);
}

cf_review_t *
cf_review_new (cf_slice_t files)
{
    cf_review_t *self = calloc (1, sizeof *self);
    cf_scan_t scan;
    cf_slice_t object;
    cf_scan_init (&scan, files.text, files.size);
    if (self && cf_scan_enter (&scan, '['))
        while (self->file_count < CF_REVIEW_MAX_FILES && cf_scan_next (&scan, NULL) && cf_scan_skip (&scan, &object))
            s_read_file (self, object);
    return self;
}

void
cf_review_destroy (cf_review_t **self_p)
{
    if (!*self_p)
        return;
    for (size_t at = 0; at < (*self_p)->file_count; at++) {
        cf_buf_free (&(*self_p)->files [at].path);
        cf_buf_free (&(*self_p)->files [at].content);
    }
    free (*self_p);
    *self_p = NULL;
}

const char *
cf_review_severity (cf_severity_t severity)
{
    static const char *const names [] = { "critical", "high", "medium", "low" };
    return names [severity];
}

void
cf_review_add (cf_review_t *self, cf_severity_t severity, const char *category, const char *path, const char *line,
               const char *description, const char *suggestion)
{
    if (self->issue_count == CF_REVIEW_MAX_ISSUES)
        return;
    cf_issue_t *issue = &self->issues [self->issue_count++];
    issue->severity = severity;
    issue->category = category;
    issue->suggestion = suggestion;
    cf_project_cut (*path? path: "(none)", 480, issue->path, sizeof issue->path);
    cf_project_cut (line, 60, issue->line, sizeof issue->line);
    cf_project_cut (description, 390, issue->description, sizeof issue->description);
}

static bool
s_ends (const char *path, const char *extension)
{
    size_t size = strlen (path), length = strlen (extension);
    return size > length && !strcasecmp (path + size - length, extension);
}

static const cf_review_file_t *
s_lookup (const cf_review_t *self, const char *path)
{
    for (size_t at = 0; at < self->file_count; at++)
        if (!strcmp (self->files [at].path.bytes, path))
            return &self->files [at];
    return NULL;
}

static void
s_line_of (const cf_review_file_t *file, const char *at, char line [32])
{
    unsigned number = 1;
    for (const char *byte = file->content.bytes; byte < at; byte++)
        number += *byte == '\n';
    snprintf (line, 32, "line %u", number);
}

/* ---- rules about one file */

static void
s_check_path (cf_review_t *self, const cf_review_file_t *file)
{
    const char *path = file->path.bytes;
    bool odd = !*path || *path == '/' || path [strlen (path) - 1] == '/' || strstr (path, "//") || !strncmp (path, "../", 3)
        || strstr (path, "/../") || strspn (path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_.-") != strlen (path);
    if (odd)
        cf_review_add (self, CF_SEVERITY_HIGH, "maintainability", path, "", "The path leaves the project or has characters that files here may not have.",
                       "Use a path below src/, public/ or tests/, or at the root, of letters, digits and / _ . - only.");
    for (const cf_review_file_t *other = self->files; other < file; other++)
        if (!strcmp (other->path.bytes, path)) {
            cf_review_add (self, CF_SEVERITY_MEDIUM, "maintainability", path, "", "The same path is given twice; one of the two is lost.",
                           "Give each file once.");
            return;
        }
}

static void
s_check_empty (cf_review_t *self, const cf_review_file_t *file)
{
    if (file->content.bytes [strspn (file->content.bytes, " \t\r\n")] == 0)
        cf_review_add (self, s_ends (file->path.bytes, ".html") || s_ends (file->path.bytes, ".js")? CF_SEVERITY_HIGH: CF_SEVERITY_MEDIUM, "completeness",
                       file->path.bytes, "", "The file is empty.", "Write the file, or leave it out and every reference to it.");
}

static void
s_check_left_open (cf_review_t *self, const cf_review_file_t *file)
{
    static const char *const words [] = { "TODO", "FIXME", "lorem ipsum", "rest of the code", "implement me" };
    for (size_t word = 0; word < sizeof words / sizeof words [0]; word++) {
        const char *at = strstr (file->content.bytes, words [word]);
        if (!at)
            continue;
        char line [32], description [120];
        s_line_of (file, at, line);
        snprintf (description, sizeof description, "\"%s\" says that something was left open.", words [word]);
        cf_review_add (self, word < 2? CF_SEVERITY_LOW: CF_SEVERITY_MEDIUM, "completeness", file->path.bytes, line, description,
                       "Build what is missing, or remove the remark.");
    }
}

static void
s_check_unsafe (cf_review_t *self, const cf_review_file_t *file)
{
    static const struct { const char *text; cf_severity_t severity; const char *description, *suggestion; } rows [] = {
        { "eval(", CF_SEVERITY_HIGH, "eval runs any text as a program.", "Parse the text, or use a function." },
        { "document.write(", CF_SEVERITY_MEDIUM, "document.write replaces a loaded page.", "Add nodes to the page instead." },
        { ".innerHTML =", CF_SEVERITY_MEDIUM, "Text set through innerHTML is read as HTML; text from people can attack the page.", "Use textContent, or build nodes." },
        { "AKIA", CF_SEVERITY_CRITICAL, "Something that looks like a secret key stands in the code.", "Remove it, and make it invalid where it was issued." },
        { "-----BEGIN PRIVATE", CF_SEVERITY_CRITICAL, "A private key stands in the code.", "Remove it, and make it invalid." },
    };
    for (size_t row = 0; row < sizeof rows / sizeof rows [0]; row++) {
        const char *at = strstr (file->content.bytes, rows [row].text);
        if (!at || (at > file->content.bytes && isalnum ((unsigned char) at [-1]) && row == 0))
            continue;
        char line [32];
        s_line_of (file, at, line);
        cf_review_add (self, rows [row].severity, "security", file->path.bytes, line, rows [row].description, rows [row].suggestion);
    }
}

/* ---- brackets */

typedef struct {
    const char *text, *at;
    char last;                          /* last byte that was no space: tells a division from a regular expression */
    char stack [256];
    const char *opened [256];
    size_t depth;
} brackets_t;

/*  Crosses a literal that ends with end; template literals may span lines and hold ${ }, which is code again. */
static void
s_cross_literal (brackets_t *self, char end)
{
    bool set = false;                   /* inside [ ] of a regular expression, where / does not end it */
    for (self->at++; *self->at && (*self->at != end || set); self->at++) {
        if (*self->at == '\\' && self->at [1])
            self->at++;
        else if (*self->at == '\n' && end != '`')
            return;                     /* no literal after all, as an apostrophe in JSX text */
        else if (end == '/' && (*self->at == '[' || *self->at == ']'))
            set = *self->at == '[';
        else if (end == '`' && self->at [0] == '$' && self->at [1] == '{')
            for (int depth = 0; *self->at; self->at++) {
                depth += *self->at == '{'? 1: *self->at == '}'? -1: 0;
                if (*self->at == '}' && !depth)
                    break;
            }
        if (!*self->at)
            return;
    }
}

static bool
s_follows_return (const brackets_t *self)
{
    const char *at = self->at;
    while (at > self->text && isspace ((unsigned char) at [-1]))
        at--;
    return at - self->text >= 6 && !memcmp (at - 6, "return", 6);
}

/*  Steps over comments and literals; true when something was stepped over. */
static bool
s_cross (brackets_t *self, bool script)
{
    if (self->at [0] == '/' && self->at [1] == '*') {
        const char *end = strstr (self->at + 2, "*/");
        self->at = end? end + 1: self->at + strlen (self->at) - 1;
        return true;
    }
    if (script && self->at [0] == '/' && self->at [1] == '/') {
        self->at += strcspn (self->at, "\n") - 1;
        return true;
    }
    bool quote = *self->at == '"' || *self->at == '\'' || (script && *self->at == '`');
    bool pattern = script && *self->at == '/' && (!self->last || strchr ("(,=:[!&|?{};+>", self->last) || s_follows_return (self));
    if (quote || pattern) {
        char end = *self->at;
        s_cross_literal (self, end);
        self->last = end;
        if (!*self->at)
            self->at--;
    }
    return quote || pattern;
}

/*  Where the brackets of text stop matching, NULL where they match. */
static const char *
s_find_mismatch (const char *text, bool script)
{
    brackets_t self = { .text = text, .at = text };
    for (; *self.at; self.at++) {
        if (s_cross (&self, script))
            continue;
        char byte = *self.at;
        if (byte == '(' || byte == '[' || byte == '{') {
            if (self.depth == sizeof self.stack)
                return NULL;            /* deeper than this looks: no verdict */
            self.opened [self.depth] = self.at;
            self.stack [self.depth++] = byte == '('? ')': byte == '['? ']': '}';
        }
        else if ((byte == ')' || byte == ']' || byte == '}') && (!self.depth || self.stack [--self.depth] != byte))
            return self.at;
        if (!isspace ((unsigned char) byte))
            self.last = byte;
    }
    return self.depth? self.opened [self.depth - 1]: NULL;
}

static void
s_check_syntax (cf_review_t *self, const cf_review_file_t *file)
{
    bool script = s_ends (file->path.bytes, ".js") || s_ends (file->path.bytes, ".mjs") || s_ends (file->path.bytes, ".ts");
    const char *at = NULL;
    char line [32];
    if (s_ends (file->path.bytes, ".json")) {
        cf_scan_t scan;
        cf_scan_init (&scan, file->content.bytes, file->content.size);
        if (file->content.size && (!cf_scan_skip (&scan, NULL) || !cf_scan_done (&scan)))
            cf_review_add (self, CF_SEVERITY_HIGH, "correctness", file->path.bytes, "", "The file is not valid JSON.", "Mend it so that a strict parser reads it.");
    }
    else if (script || s_ends (file->path.bytes, ".css"))
        at = s_find_mismatch (file->content.bytes, script);
    if (at) {
        s_line_of (file, at, line);
        cf_review_add (self, script? CF_SEVERITY_CRITICAL: CF_SEVERITY_MEDIUM, "correctness", file->path.bytes, line,
                       script? "A bracket here has no partner; the script does not load.": "A bracket here has no partner; rules behind it are lost.",
                       "Close what was opened, in the right order.");
    }
}

/* ---- pages */

/*  Whether file refers to target with a path relative to itself; keeps only what is inside the project. */
static void
s_check_reference (cf_review_t *self, const cf_review_file_t *file, const char *target, size_t size, const char *at)
{
    char path [700], line [32], description [900];
    const char *slash = strrchr (file->path.bytes, '/');
    size -= size > 0 && memchr (target, '?', size)? size - (size_t) ((const char *) memchr (target, '?', size) - target): 0;
    size -= size > 0 && memchr (target, '#', size)? size - (size_t) ((const char *) memchr (target, '#', size) - target): 0;
    if (!size || size > 300 || memchr (target, ':', size) || !strncmp (target, "//", 2))
        return;
    while (size > 2 && !strncmp (target, "./", 2)) {
        target += 2;
        size -= 2;
    }
    bool rooted = *target == '/';
    snprintf (path, sizeof path, "%.*s%.*s", rooted || !slash || slash - file->path.bytes > 300? 0: (int) (slash - file->path.bytes + 1), file->path.bytes,
              (int) (size - rooted), target + rooted);
    for (char *up; (up = strstr (path, "/../"));) {
        char *start = up;
        while (start > path && start [-1] != '/')
            start--;
        memmove (start, up + 4, strlen (up + 4) + 1);
    }
    char in_public [720];
    snprintf (in_public, sizeof in_public, "public/%s", path);
    if (!*path || path [strlen (path) - 1] == '/' || s_lookup (self, path) || s_lookup (self, in_public))
        return;
    s_line_of (file, at, line);
    snprintf (description, sizeof description, "The page refers to %s, which is not among the files.", path);
    cf_review_add (self, CF_SEVERITY_HIGH, "correctness", file->path.bytes, line, description, "Add the file, or correct the reference.");
}

static void
s_check_page (cf_review_t *self, const cf_review_file_t *file)
{
    if (!s_ends (file->path.bytes, ".html") && !s_ends (file->path.bytes, ".htm"))
        return;
    static const char *const attributes [] = { " src=\"", " href=\"" };
    for (size_t row = 0; row < 2; row++)
        for (const char *at = file->content.bytes; (at = strstr (at, attributes [row]));) {
            const char *target = at + strlen (attributes [row]);
            s_check_reference (self, file, target, strcspn (target, "\""), at);
            at = target;
        }
    static const char *const handlers [] = { " onclick=", " onload=", " onsubmit=", " onchange=" };
    for (size_t row = 0; row < sizeof handlers / sizeof handlers [0]; row++)
        if (strstr (file->content.bytes, handlers [row]))
            cf_review_add (self, CF_SEVERITY_LOW, "maintainability", file->path.bytes, handlers [row] + 1, "An event handler stands inside the page.",
                           "Register it in a script with addEventListener.");
    static const struct { const char *tag, *description, *suggestion; } wanted [] = {
        { "<title", "The page has no title.", "Add a <title> that names the app." },
        { "lang=", "The page does not say its language; screen readers guess.", "Add lang to the html element." },
        { "viewport", "Without a viewport the page is tiny on phones.", "Add the viewport meta element." },
    };
    for (size_t row = 0; row < sizeof wanted / sizeof wanted [0]; row++)
        if (file->content.size && !strcasestr (file->content.bytes, wanted [row].tag))
            cf_review_add (self, CF_SEVERITY_LOW, "accessibility", file->path.bytes, "", wanted [row].description, wanted [row].suggestion);
}

/* ---- rules about the whole */

static void
s_check_start (cf_review_t *self)
{
    bool packaged = s_lookup (self, "package.json") != NULL, page = false, tests = false;
    for (size_t at = 0; at < self->file_count; at++) {
        page |= s_ends (self->files [at].path.bytes, ".html");
        tests |= strstr (self->files [at].path.bytes, "test") != NULL;
    }
    if (!self->file_count)
        cf_review_add (self, CF_SEVERITY_CRITICAL, "completeness", "index.html", "", "There are no files to review.", "Write the application.");
    else if (!page && self->file_count > 1)
        cf_review_add (self, packaged? CF_SEVERITY_MEDIUM: CF_SEVERITY_CRITICAL, "completeness", "index.html", "", "There is no page to open.",
                       "Add index.html, which loads the scripts and styles.");
    if (self->file_count > 1 && !tests)
        cf_review_add (self, CF_SEVERITY_LOW, "maintainability", self->files [0].path.bytes, "", "No tests are among the files.",
                       "Add tests/index.html with checks of the rules that run when it is opened.");
}

/*  Whether any longer word of a feature's name or description, without its ending, stands in some file but the README. */
static bool
s_mentioned (const cf_review_t *self, const cf_feature_t *feature)
{
    char words [640], *rest = words, *word;
    snprintf (words, sizeof words, "%s %s", feature->name, feature->description);
    while ((word = strsep (&rest, " ,.;:()-/"))) {
        size_t size = strlen (word);
        if (size < 4)
            continue;
        word [size > 6? size - 2: size - 1] = 0;
        for (size_t at = 0; at < self->file_count; at++)
            if (!s_ends (self->files [at].path.bytes, ".md") && strcasestr (self->files [at].content.bytes, word))
                return true;
    }
    return false;
}

static void
s_check_features (cf_review_t *self, const cf_project_t *project)
{
    for (size_t at = 0; at < project->feature_count && self->file_count > 1; at++) {
        const cf_feature_t *feature = &project->features [at];
        if (feature->priority != CF_PRIORITY_MUST || s_mentioned (self, feature))
            continue;
        char description [400];
        snprintf (description, sizeof description, "Nothing in the files speaks of the must-have feature \"%.200s\".", feature->name);
        cf_review_add (self, CF_SEVERITY_HIGH, "completeness", self->files [0].path.bytes, "", description, "Build the feature as the requirements describe it.");
    }
}

typedef void (rule_fn) (cf_review_t *self, const cf_review_file_t *file);

static rule_fn *const s_rules [] = { s_check_path, s_check_empty, s_check_left_open, s_check_unsafe, s_check_syntax, s_check_page };

void
cf_review_run (cf_review_t *self, const cf_project_t *project)
{
    for (size_t at = 0; at < self->file_count; at++)
        for (size_t rule = 0; rule < sizeof s_rules / sizeof s_rules [0]; rule++)
            s_rules [rule] (self, &self->files [at]);
    s_check_start (self);
    s_check_features (self, project);
}
