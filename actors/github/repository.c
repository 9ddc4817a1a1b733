/* SPDX-License-Identifier: MPL-2.0 */
/*  repository - paths and bodies of GitHub's REST API (repos, git/refs, git/commits, git/trees, git/blobs, contents)
 *
 *  What makes something is sent once: where the answer is lost, a look tells whether it was made. Trees, commits and blobs that
 *  nothing refers to do no harm, so they may be made twice.
 */

#include "actors/github/repository.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CF_REPOSITORY_TRIES 3           /* of making one */
#define CF_REPOSITORY_AGAIN_MS 1000u    /* before it is looked whether it was made after all */
#define CF_REPOSITORY_BRANCH_MS 200u    /* between looks at a branch in the making; grows */
#define CF_REPOSITORY_BRANCH_LOOKS 12

static const char s_seed [] = "The files are on their way.\n";

/* ---- what GitHub says of it ---- */

/*  Wall clock, to the second. */
static uint64_t
s_time_us (const char *text)
{
    struct tm parts = { 0 };
    const char *end = strptime (text, "%Y-%m-%dT%H:%M:%S", &parts);
    return end && (*end == 'Z' || *end == '.')? (uint64_t) timegm (&parts) * 1000000u: 0;
}

static void
s_copy (char *into, size_t size, const cf_json_t *from, const char *key)
{
    snprintf (into, size, "%s", cf_json_str (from, key, ""));
}

/*  Takes a repository as GitHub shows it. False where it does not look like one: its names become parts of paths. */
static bool
s_take (cf_repository_t *self, const cf_json_t *shown)
{
    static const char allowed [] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./";
    s_copy (self->name, sizeof self->name, shown, "full_name");
    s_copy (self->branch, sizeof self->branch, shown, "default_branch");
    s_copy (self->page_url, sizeof self->page_url, shown, "html_url");
    s_copy (self->clone_url, sizeof self->clone_url, shown, "clone_url");
    self->created_us = s_time_us (cf_json_str (shown, "created_at", ""));
    self->archived = cf_json_bool (shown, "archived", false);
    self->id = cf_json_int (shown, "id", 0);
    const char *slash = strchr (self->name, '/');
    bool good = self->id && slash && slash > self->name && slash [1] && !strchr (slash + 1, '/') && !strstr (self->name, "..")
        && strspn (self->name, allowed) == strlen (self->name) && *self->branch && strlen (self->branch) < sizeof self->branch - 1;
    self->id = good? self->id: 0;
    return good;
}

static int
s_refuse (cf_repository_t *self, cf_error_t *error, cf_api_answer_t *answer, const char *right)
{
    int rc = cf_refuse_answer (self->work, error, answer, right);
    cf_api_answer_free (answer);
    return rc;
}

/*  A call below the repository's own path. */
static int
s_call (cf_repository_t *self, const char *method, const char *path, const char *body, cf_api_answer_t *answer, cf_error_t *error)
{
    char whole [CF_API_PATH_MAX + 300];
    snprintf (whole, sizeof whole, "/repos/%s%s", self->name, path);
    return cf_api_call (self->api, cf_work_task (self->work), method, whole, body, false, answer, error);
}

/*  Appends the branch's name to a path. */
static void
s_add_branch (char path [CF_API_PATH_MAX], const char *branch)
{
    size_t at = strlen (path);
    for (; *branch && at + 4 < CF_API_PATH_MAX; branch++) {
        bool plain = strchr ("-_.~/", *branch) || (*branch >= '0' && *branch <= '9') || ((*branch | 32) >= 'a' && (*branch | 32) <= 'z');
        at += (size_t) snprintf (path + at, CF_API_PATH_MAX - at, plain? "%c": "%%%02X", plain? *branch: (unsigned char) *branch);
    }
}

/*  Takes the name of an object from where GitHub says it. */
static int
s_take_id (cf_repository_t *self, cf_api_answer_t *answer, const cf_json_t *from, char id [CF_TREE_ID_SIZE], cf_error_t *error)
{
    unsigned char bytes [CF_TREE_ID_BYTES];
    const char *sha = cf_json_str (from, "sha", "");
    int rc = 0;
    if (cf_tree_parse_id (sha, bytes))
        memcpy (id, sha, CF_TREE_ID_SIZE);
    else {
        answer->kind = CF_JUDGE_DOWN;
        rc = cf_refuse_answer (self->work, error, answer, "");
    }
    cf_api_answer_free (answer);
    return rc;
}

/*  Yours to free; NULL when out of memory. */
static char *
s_base64 (const void *bytes, size_t size)
{
    char *text = malloc (4 * ((size + 2) / 3) + 1);
    if (text)
        EVP_EncodeBlock ((unsigned char *) text, bytes, (int) size);
    return text;
}

/* ---- looking ---- */

/*  Asks for the branch's end: DONE with head set, MISSING or CONFLICT where there is none; -1 with error where it is anything else. */
static int
s_ask_head (cf_repository_t *self, cf_judge_kind_t *kind, cf_error_t *error)
{
    char path [CF_API_PATH_MAX] = "/git/ref/heads/";
    cf_api_answer_t answer;
    s_add_branch (path, self->branch);
    *self->head = *self->tree = 0;
    if (s_call (self, "GET", path, NULL, &answer, error))
        return -1;
    *kind = answer.kind;
    if (answer.kind == CF_JUDGE_DONE)
        return s_take_id (self, &answer, json_object_get (answer.document, "object"), self->head, error);
    if (answer.kind != CF_JUDGE_MISSING && answer.kind != CF_JUDGE_CONFLICT)
        return s_refuse (self, error, &answer, "read the repository");
    cf_api_answer_free (&answer);
    return 0;
}

/*  A default branch may be named that nobody has made, in a repository that has others. */
static int
s_check_branches (cf_repository_t *self, cf_error_t *error)
{
    cf_api_answer_t answer;
    if (s_call (self, "GET", "/branches?per_page=1", NULL, &answer, error))
        return -1;
    if (answer.kind != CF_JUDGE_DONE)
        return s_refuse (self, error, &answer, "read the repository");
    bool none = json_array_size (answer.document) == 0;
    cf_api_answer_free (&answer);
    return none? 0: cf_refuse (self->work, error, CF_ERROR_CONFLICT, "repo_name",
                               "The repository has branches, but not its default one. Make that one, or choose another name.");
}

static int
s_read_commit (cf_repository_t *self, cf_error_t *error)
{
    char path [CF_API_PATH_MAX];
    cf_api_answer_t answer;
    snprintf (path, sizeof path, "/git/commits/%s", self->head);
    if (s_call (self, "GET", path, NULL, &answer, error))
        return -1;
    if (answer.kind != CF_JUDGE_DONE)
        return s_refuse (self, error, &answer, "read the repository");
    self->alone = json_array_size (json_object_get (answer.document, "parents")) == 0;
    return s_take_id (self, &answer, json_object_get (answer.document, "tree"), self->tree, error);
}

int
cf_repository_look_at_head (cf_repository_t *self, cf_error_t *error)
{
    cf_judge_kind_t kind;
    if (s_ask_head (self, &kind, error))
        return -1;
    if (kind == CF_JUDGE_MISSING)
        return s_check_branches (self, error);
    return kind == CF_JUDGE_CONFLICT? 0: s_read_commit (self, error);
}

static int
s_ask (cf_repository_t *self, const char *owner, const char *name, cf_error_t *error)
{
    char path [CF_API_PATH_MAX];
    cf_api_answer_t answer;
    snprintf (path, sizeof path, "/repos/%s/%s", owner, name);
    self->id = 0;
    if (cf_api_call (self->api, cf_work_task (self->work), "GET", path, NULL, false, &answer, error))
        return -1;
    if (answer.kind == CF_JUDGE_DONE && !s_take (self, answer.document))
        answer.kind = CF_JUDGE_DOWN;
    if (answer.kind != CF_JUDGE_DONE && answer.kind != CF_JUDGE_MISSING)
        return s_refuse (self, error, &answer, "read repositories");
    cf_api_answer_free (&answer);
    return 0;
}

int
cf_repository_look (cf_repository_t *self, const char *owner, const char *name, cf_error_t *error)
{
    if (s_ask (self, owner, name, error))
        return -1;
    return self->id? cf_repository_look_at_head (self, error): 0;
}

int
cf_repository_list (cf_repository_t *self, const char *tree, cf_tree_t *into, cf_error_t *error)
{
    char path [CF_API_PATH_MAX];
    cf_api_answer_t answer;
    snprintf (path, sizeof path, "/git/trees/%s?recursive=1", tree);
    if (s_call (self, "GET", path, NULL, &answer, error))
        return -1;
    if (answer.kind != CF_JUDGE_DONE)
        return s_refuse (self, error, &answer, "read the repository");
    size_t at;
    cf_json_t *entry;
    int rc = 0;
    if (cf_json_bool (answer.document, "truncated", false))
        rc = cf_refuse (self->work, error, CF_ERROR_CONFLICT, "repo_name", "The repository has too many files to be added to from here.");
    json_array_foreach (json_object_get (answer.document, "tree"), at, entry) {
        unsigned char id [CF_TREE_ID_BYTES];
        if (rc || strcmp (cf_json_str (entry, "type", ""), "tree") == 0)
            continue;
        if (!cf_tree_parse_id (cf_json_str (entry, "sha", ""), id)
            || cf_tree_put (into, cf_json_str (entry, "path", ""), (cf_tree_mode_t) strtoul (cf_json_str (entry, "mode", ""), NULL, 8), id, error))
            rc = cf_refuse (self->work, error, CF_ERROR_CONFLICT, "repo_name", "The repository holds a file that cannot be kept from here.");
    }
    cf_api_answer_free (&answer);
    return rc;
}

/* ---- a repository in the making ---- */

static void
s_name_seed (char name [CF_TREE_ID_SIZE])
{
    unsigned char id [CF_TREE_ID_BYTES];
    cf_error_t error;
    cf_tree_t *tree = cf_tree_new ();
    cf_tree_name_content (s_seed, sizeof s_seed - 1, id);
    if (!tree || cf_tree_put (tree, "README.md", CF_TREE_FILE, id, &error) || cf_tree_name (tree, name, &error))
        abort ();                       /* out of memory: the supervisor restarts the process */
    cf_tree_destroy (&tree);
}

bool
cf_repository_is_seed (const cf_repository_t *self)
{
    char name [CF_TREE_ID_SIZE];
    s_name_seed (name);
    return self->alone && strcmp (self->tree, name) == 0;
}

int
cf_repository_is_begun (cf_repository_t *self, bool *begun, cf_error_t *error)
{
    *begun = false;
    if (!self->alone)
        return 0;
    cf_tree_t *files = cf_tree_new ();
    int rc = files? cf_repository_list (self, self->tree, files, error): cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    *begun = rc == 0 && cf_tree_count (files) == 1 && cf_tree_has_top (files, "README", true);
    cf_tree_destroy (&files);
    return rc;
}

int
cf_repository_seed (cf_repository_t *self, cf_error_t *error)
{
    char *content = s_base64 (s_seed, sizeof s_seed - 1);
    cf_json_t *asked = json_pack ("{ssss}", "message", "Begin the export", "content", content? content: "");
    char *body = cf_json_print (asked);
    cf_api_answer_t answer;
    int rc = s_call (self, "PUT", "/contents/README.md", body, &answer, error);
    free (content);
    free (body);
    json_decref (asked);
    if (rc)
        return -1;
    if (answer.kind != CF_JUDGE_DONE && answer.kind != CF_JUDGE_CONFLICT && answer.kind != CF_JUDGE_REFUSED)
        return s_refuse (self, error, &answer, "write to the repository");
    cf_api_answer_free (&answer);       /* refused: there is one already, which an answer that was lost may have been about */
    if (cf_repository_look_at_head (self, error))
        return -1;
    return cf_repository_is_seed (self)? 0:
        cf_refuse (self->work, error, CF_ERROR_CONFLICT, "repo_name", "Somebody else has just begun to write to the repository.");
}

/*  A new repository's branch is made a little later than the repository. */
static int
s_await_branch (cf_repository_t *self, cf_error_t *error)
{
    for (unsigned look = 1; look <= CF_REPOSITORY_BRANCH_LOOKS; look++) {
        cf_judge_kind_t kind;
        if (s_ask_head (self, &kind, error))
            return -1;
        if (kind == CF_JUDGE_DONE)
            return 0;
        if (cf_task_sleep (cf_work_task (self->work), CF_REPOSITORY_BRANCH_MS * look, error))
            return -1;
    }
    return cf_repository_seed (self, error);
}

static bool
s_says_exists (const cf_json_t *document)
{
    size_t at;
    cf_json_t *fault;
    json_array_foreach (json_object_get (document, "errors"), at, fault)
        if (strstr (cf_json_str (fault, "message", ""), "already exists"))
            return true;
    return strstr (cf_json_str (document, "message", ""), "already exists") != NULL;
}

/*  What GitHub answered that made nothing, or did not say so. 0 where it may have been made all the same. */
static int
s_judge_creation (cf_repository_t *self, const cf_api_answer_t *answer, cf_error_t *error)
{
    if (answer->kind == CF_JUDGE_DOWN || (answer->kind == CF_JUDGE_REFUSED && s_says_exists (answer->document)))
        return 0;
    if (answer->kind == CF_JUDGE_REFUSED)
        return cf_refuse (self->work, error, CF_ERROR_INVALID, "repo_name", "GitHub makes no repository of that name for this account. Choose another.");
    return cf_refuse_answer (self->work, error, answer, "make repositories");
}

/*  Whether it was made after all, by a call whose answer is lost: it came into being since_us, and holds nothing but a beginning. id stays 0
    where there is none. */
static int
s_look_for_made (cf_repository_t *self, const char *owner, const char *name, uint64_t since_us, cf_error_t *error)
{
    bool begun = true;
    if (cf_task_sleep (cf_work_task (self->work), CF_REPOSITORY_AGAIN_MS, error) || cf_repository_look (self, owner, name, error)
        || (self->id && *self->head && cf_repository_is_begun (self, &begun, error)))
        return -1;
    return !self->id || (begun && self->created_us >= since_us / 1000000u * 1000000u)? 0:
        cf_refuse (self->work, error, CF_ERROR_CONFLICT, "repo_name", "The account has a repository of that name. Choose another.");
}

/*  One try at making it; id stays 0 where it was not made, and another try makes sense. */
static int
s_try_to_make (cf_repository_t *self, const char *owner, const char *name, const char *body, uint64_t since_us, bool last, cf_error_t *error)
{
    cf_api_answer_t answer;
    if (cf_api_call (self->api, cf_work_task (self->work), "POST", "/user/repos", body, true, &answer, error))
        return -1;
    bool made = answer.kind == CF_JUDGE_DONE && s_take (self, answer.document);
    if (answer.kind == CF_JUDGE_DONE && !made)
        answer.kind = CF_JUDGE_DOWN;
    int rc = made? 0: s_judge_creation (self, &answer, error);
    if (rc == 0 && !made)
        rc = s_look_for_made (self, owner, name, since_us, error);
    if (rc == 0 && !self->id && answer.kind == CF_JUDGE_REFUSED)
        rc = cf_refuse (self->work, error, CF_ERROR_CONFLICT, "repo_name",
                        "The account has a repository of that name, which the token may not see. Choose another name, or give the token access.");
    if (rc == 0 && !self->id && last)
        rc = cf_refuse_answer (self->work, error, &answer, "make repositories");
    cf_api_answer_free (&answer);
    return rc;
}

int
cf_repository_create (cf_repository_t *self, const char *owner, const char *name, const char *description, bool private,
                      cf_error_t *error)
{
    cf_json_t *asked = json_pack ("{sssssbsb}", "name", name, "description", description, "private", private, "auto_init", true);
    char *body = asked? cf_json_print (asked): NULL;
    uint64_t since_us = cf_api_date_us (self->api);
    int rc = body? 0: cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    self->id = 0;
    for (int try = 1; rc == 0 && !self->id; try++)
        rc = s_try_to_make (self, owner, name, body, since_us, try == CF_REPOSITORY_TRIES, error);
    free (body);
    json_decref (asked);
    return rc? -1: s_await_branch (self, error);
}

/* ---- writing ---- */

/*  Sends a document and takes the name of what was made. */
static int
s_put (cf_repository_t *self, const char *path, const char *body, char name [CF_TREE_ID_SIZE], cf_error_t *error)
{
    cf_api_answer_t answer;
    if (s_call (self, "POST", path, body, &answer, error))
        return -1;
    if (answer.kind != CF_JUDGE_DONE)
        return s_refuse (self, error, &answer, "write to the repository");
    return s_take_id (self, &answer, answer.document, name, error);
}

int
cf_repository_put_tree (cf_repository_t *self, const char *base, const char *entries, char name [CF_TREE_ID_SIZE], cf_error_t *error)
{
    char *body = NULL;
    int rc = *base? asprintf (&body, "{\"base_tree\":\"%s\",\"tree\":[%s]}", base, entries): asprintf (&body, "{\"tree\":[%s]}", entries);
    if (rc < 0)
        return cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    rc = s_put (self, "/git/trees", body, name, error);
    free (body);
    return rc;
}

int
cf_repository_put_blob (cf_repository_t *self, const void *bytes, size_t size, char name [CF_TREE_ID_SIZE], cf_error_t *error)
{
    char *content = s_base64 (bytes, size), *body = NULL;
    int rc = content? asprintf (&body, "{\"content\":\"%s\",\"encoding\":\"base64\"}", content): -1;
    free (content);
    if (rc < 0)
        return cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    rc = s_put (self, "/git/blobs", body, name, error);
    free (body);
    return rc;
}

int
cf_repository_commit (cf_repository_t *self, const char *tree, const char *parent, const char *message, char commit [CF_TREE_ID_SIZE],
                      cf_error_t *error)
{
    cf_json_t *parents = *parent? json_pack ("[s]", parent): json_array ();
    cf_json_t *asked = json_pack ("{sssssO}", "message", message, "tree", tree, "parents", parents);
    char *body = asked? cf_json_print (asked): NULL;
    json_decref (asked);
    json_decref (parents);
    int rc = body? s_put (self, "/git/commits", body, commit, error): cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    free (body);
    return rc;
}

/*  Sends the move once; whether it was refused, or its answer was lost, the branch tells. */
static int
s_patch (cf_repository_t *self, const char *commit, bool forward, cf_judge_kind_t *kind, cf_error_t *error)
{
    char path [CF_API_PATH_MAX + 300], body [128];
    cf_api_answer_t answer;
    snprintf (path, CF_API_PATH_MAX, "/repos/%s/git/refs/heads/", self->name);
    s_add_branch (path, self->branch);
    snprintf (body, sizeof body, "{\"sha\":\"%s\",\"force\":%s}", commit, forward? "false": "true");
    if (cf_api_call (self->api, cf_work_task (self->work), "PATCH", path, body, true, &answer, error))
        return -1;
    if (answer.kind == CF_JUDGE_DONE && strcmp (cf_json_str (json_object_get (answer.document, "object"), "sha", ""), commit))
        answer.kind = CF_JUDGE_DOWN;    /* well said, but not what was asked for: look what is there */
    *kind = answer.kind;
    if (answer.kind != CF_JUDGE_DONE && answer.kind != CF_JUDGE_DOWN && answer.kind != CF_JUDGE_REFUSED && answer.kind != CF_JUDGE_CONFLICT)
        return s_refuse (self, error, &answer, "write to the repository");
    cf_api_answer_free (&answer);
    return 0;
}

int
cf_repository_move (cf_repository_t *self, const char *commit, bool forward, bool *moved, cf_error_t *error)
{
    char seen [CF_TREE_ID_SIZE];
    cf_judge_kind_t kind = CF_JUDGE_DOWN, found;
    memcpy (seen, self->head, sizeof seen);
    *moved = false;
    for (int try = 1; kind == CF_JUDGE_DOWN; try++) {
        if ((try > 1 || !forward) && s_ask_head (self, &found, error))
            return -1;
        if (strcmp (self->head, commit) == 0)
            return 0;                   /* the answer was lost, not the call */
        *moved = strcmp (self->head, seen) != 0;
        if (*moved)
            return 0;
        if (try > CF_REPOSITORY_TRIES)
            return cf_refuse_answer (self->work, error, &(cf_api_answer_t) { .kind = CF_JUDGE_DOWN }, "");
        if (try > 1 && cf_task_sleep (cf_work_task (self->work), CF_REPOSITORY_AGAIN_MS, error))
            return -1;
        if (s_patch (self, commit, forward, &kind, error))
            return -1;
    }
    *moved = kind != CF_JUDGE_DONE;
    return 0;
}
