/* SPDX-License-Identifier: MPL-2.0 */
/*  docs - the API's document, and the page that shows it
 *
 *  They are in the program itself (.incbin, found from the source root), so that what is said of an edge is always said by that
 *  very edge, and are sent from where they lie. Caches may keep them, but ask each time: an upgrade shows at once. Private,
 *  because the answer may set a cookie.
 */

#include "http-edge/handlers/handlers.h"
#include "http-edge/reply.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define EMBED(symbol_, file_)                                                                       \
    __asm__ (".pushsection .rodata\n"                                                               \
             "cf_docs_" #symbol_ ":\n.incbin \"" file_ "\"\n"                                       \
             "cf_docs_" #symbol_ "_end:\n.byte 0\n.popsection\n");                                  \
    extern const char cf_docs_##symbol_ [], cf_docs_##symbol_##_end [];

/*  FILE_ROW (symbol, name in the path, media type, file) */
#define FILES                                                                                       \
    FILE_ROW (openapi, "/openapi.json", "application/json", "proto/openapi.json")                   \
    FILE_ROW (html,    "",             "text/html; charset=utf-8", "http-edge/openapi/docs/index.html") \
    FILE_ROW (css,     "docs.css",     "text/css; charset=utf-8", "http-edge/openapi/docs/docs.css") \
    FILE_ROW (docs,    "docs.js",      "text/javascript; charset=utf-8", "http-edge/openapi/docs/docs.js") \
    FILE_ROW (dom,     "dom.js",       "text/javascript; charset=utf-8", "http-edge/openapi/docs/dom.js") \
    FILE_ROW (schema,  "schema.js",    "text/javascript; charset=utf-8", "http-edge/openapi/docs/schema.js") \
    FILE_ROW (try,     "try.js",       "text/javascript; charset=utf-8", "http-edge/openapi/docs/try.js") \
    FILE_ROW (icon,    "icon.svg",     "image/svg+xml", "http-edge/openapi/docs/icon.svg")

#define FILE_ROW(symbol_, name_, type_, file_) EMBED (symbol_, file_)
FILES
#undef FILE_ROW

typedef struct {
    const char *name, *type, *bytes, *end;
    char etag [40];             /* "" until first asked for */
} file_t;

static file_t s_files [] = {
#define FILE_ROW(symbol_, name_, type_, file_) { name_, type_, cf_docs_##symbol_, cf_docs_##symbol_##_end, "" },
FILES
#undef FILE_ROW
};

/*  Nothing but what this service itself serves may run, style, or be asked. */
static const char s_policy [] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static const char *
s_etag (file_t *file)
{
    unsigned char digest [EVP_MAX_MD_SIZE] = "";
    if (*file->etag)
        return file->etag;
    EVP_Digest (file->bytes, (size_t) (file->end - file->bytes), digest, NULL, EVP_sha256 (), NULL);
    size_t size = (size_t) snprintf (file->etag, sizeof file->etag, "\"");
    for (size_t at = 0; at < 16; at++)
        size += (size_t) snprintf (file->etag + size, sizeof file->etag - size, "%02x", digest [at]);
    snprintf (file->etag + size, sizeof file->etag - size, "\"");
    return file->etag;
}

/*  Whether the client has it already; a weak tag is compared like a strong one (RFC 9110, section 13.1.2). */
static bool
s_is_known (const cf_request_t *request, const char *etag)
{
    h2o_iovec_t given = cf_request_header (request, "if-none-match");
    return given.base && (h2o_memis (given.base, given.len, H2O_STRLIT ("*")) || memmem (given.base, given.len, etag, strlen (etag)));
}

static void
s_serve (cf_request_t *request, const char *name)
{
    static h2o_generator_t generator = { NULL, NULL };
    size_t at = 0;
    while (at < sizeof s_files / sizeof s_files [0] && strcmp (s_files [at].name, name))
        at++;
    if (at == sizeof s_files / sizeof s_files [0]) {
        cf_reply_fault (request, CF_FAULT_NO_PATH, NULL);
        return;
    }
    file_t *file = &s_files [at];
    bool known = s_is_known (request, s_etag (file));
    cf_reply_header (request, "etag", file->etag);
    cf_reply_header (request, "content-security-policy", s_policy);
    cf_reply_stream (request, file->type);
    request->streaming = false;         /* it has an end: who does not take it is cut off */
    h2o_req_t *http = request->http;
    h2o_set_header_by_str (&http->pool, &http->res.headers, H2O_STRLIT ("cache-control"), 0, H2O_STRLIT ("private, no-cache"), 1);
    h2o_iovec_t bytes = h2o_iovec_init (file->bytes, (size_t) (file->end - file->bytes));
    if (known) {
        http->res.status = 304;
        http->res.reason = "Not Modified";
    }
    else
        http->res.content_length = bytes.len;
    h2o_start_response (http, &generator);
    h2o_send (http, &bytes, known || cf_request_is_head (request)? 0: 1, H2O_SEND_STATE_FINAL);
}

void
cf_handle_openapi (cf_request_t *request)
{
    s_serve (request, "/openapi.json");
}

void
cf_handle_docs (cf_request_t *request)
{
    s_serve (request, "");
}

void
cf_handle_docs_file (cf_request_t *request)
{
    s_serve (request, request->path);
}
