/* SPDX-License-Identifier: MPL-2.0 */
/*  json - fuzzes the readers of JSON: documents (proto/base/json.h), the events of streams (actors/providers/scan.h), and documents
 *  with words around them (actors/lib/peel.h)
 *
 *  What one takes for a document, the other walks over; what is printed and read back prints the same; a string that scan decodes is the
 *  one that the document holds.
 */

#include "actors/lib/peel.h"
#include "actors/providers/scan.h"
#include "actors/providers/strict.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size);

static void
s_expect (bool condition)
{
    if (!condition)
        abort ();
}

/*  Whatever scan is fed, it ends, within the text. */
static bool
s_walk (const char *text, size_t size)
{
    cf_scan_t scan;
    cf_slice_t key;
    cf_scan_init (&scan, text, size);
    cf_slice_t value = cf_scan_skip (&scan);
    bool whole = cf_scan_done (&scan);
    s_expect (!value.text || (value.text >= text && value.text + value.size <= text + size));
    cf_scan_init (&scan, text, size);
    if (cf_scan_enter (&scan, '{'))
        while (cf_scan_member (&scan, &key)) {
            s_expect (key.text >= text && key.text + key.size <= text + size && key.size >= 2);
            cf_slice_u32 (cf_scan_skip (&scan), 7);
        }
    else if (cf_scan_enter (&scan, '['))
        while (cf_scan_item (&scan))
            cf_scan_skip (&scan);
    return whole;
}

static void
s_check_string (const cf_json_t *document, const char *text, size_t size)
{
    cf_scan_t scan;
    cf_buf_t out;
    cf_scan_init (&scan, text, size);
    cf_buf_init (&out, size + 1);
    s_expect (cf_slice_decode (cf_scan_skip (&scan), &out) == 0);
    s_expect (out.size == json_string_length (document) && memcmp (out.bytes, json_string_value (document), out.size) == 0);
    cf_buf_free (&out);
}

static void
s_check_document (const cf_json_t *document, const char *text, size_t size)
{
    char *printed = cf_json_print (document);
    cf_json_t *again = printed? cf_json_parse (printed, strlen (printed), NULL): NULL;
    char *twice = again? cf_json_print (again): NULL;
    s_expect (twice? strcmp (printed, twice) == 0: printed && strstr (printed, "e308"));    /* 15 digits round the greatest numbers up, out of reach */
    if (json_is_string (document))
        s_check_string (document, text, size);
    for (unsigned dialect = 0; dialect < 4; dialect++)
        json_decref (cf_strict_reduce (document, dialect, NULL));
    json_decref (again);
    free (printed);
    free (twice);
}

/*  What is a document by itself is taken as it is; what is taken from anything else is an object, and stands in it from brace to brace. */
static void
s_check_peeled (const cf_json_t *document, const char *text, size_t size)
{
    char *copy = strndup (text, size);
    cf_json_t *object = copy? cf_peel_object (copy, NULL): NULL;
    s_expect (!json_is_object (document) || json_equal (document, object));
    s_expect (!object || (json_is_object (object) && strchr (copy, '{') && strchr (copy, '}')));
    json_decref (object);
    free (copy);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    const char *text = (const char *) bytes;
    bool whole = s_walk (text, size);
    cf_json_t *document = cf_json_parse (text, size, NULL);
    s_expect (!document || whole);      /* the strict reader takes nothing that the quick one does not */
    if (document)
        s_check_document (document, text, size);
    s_check_peeled (document, text, size);
    json_decref (document);
    return 0;
}
