/* SPDX-License-Identifier: MPL-2.0 */
/*  language - one table; an extension is one more name for a language */

#include "actors/project/language.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/*  What the columns and the web app know, and what it is called besides. */
static const struct {
    const char *said, *kept;
} s_languages [] = {
    { "typescript", "typescript" }, { "javascript", "javascript" }, { "jsx", "jsx" }, { "tsx", "tsx" }, { "css", "css" },
    { "html", "html" }, { "json", "json" }, { "markdown", "markdown" }, { "text", "text" },
    { "ts", "typescript" }, { "js", "javascript" }, { "mjs", "javascript" }, { "cjs", "javascript" }, { "htm", "html" },
    { "md", "markdown" }, { "txt", "text" }
};

const char *
cf_language_named (const char *said)
{
    for (size_t at = 0; at < sizeof s_languages / sizeof s_languages [0]; at++)
        if (strcasecmp (said, s_languages [at].said) == 0)
            return s_languages [at].kept;
    return "text";
}

const char *
cf_language_of (const char *path)
{
    const char *name = strrchr (path, '/'), *dot = strrchr (name? name: path, '.');
    return dot? cf_language_named (dot + 1): "text";
}
