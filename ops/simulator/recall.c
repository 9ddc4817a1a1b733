/* SPDX-License-Identifier: MPL-2.0 */
/*  recall - number of a simulated answer -> idea */

#include "ops/simulator/recall.h"

#include <stdlib.h>
#include <string.h>

void
cf_recall_put (cf_recall_t *self, uint64_t key, cf_slice_t idea)
{
    size_t slot = key % CF_RECALL_SLOTS;
    if (idea.size > CF_RECALL_MAX_IDEA || (self->slots [slot].idea && self->slots [slot].key == key))
        return;
    free (self->slots [slot].idea);
    self->slots [slot].key = key;
    self->slots [slot].idea = strndup (idea.text, idea.size);
}

const char *
cf_recall_lookup (const cf_recall_t *self, cf_slice_t requirements)
{
    char digits [17] = "";
    const char *mark = cf_slice_find (requirements, CF_RECALL_MARK);
    if (!mark || (size_t) (requirements.text + requirements.size - mark) < strlen (CF_RECALL_MARK) + 16)
        return NULL;
    memcpy (digits, mark + strlen (CF_RECALL_MARK), 16);
    uint64_t key = strtoull (digits, NULL, 16);
    size_t slot = key % CF_RECALL_SLOTS;
    return self->slots [slot].idea && self->slots [slot].key == key? self->slots [slot].idea: NULL;
}

void
cf_recall_free (cf_recall_t *self)
{
    for (size_t slot = 0; slot < CF_RECALL_SLOTS; slot++)
        free (self->slots [slot].idea);
    memset (self, 0, sizeof *self);
}
