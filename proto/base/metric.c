/* SPDX-License-Identifier: MPL-2.0 */
/*  metric - expands proto/metrics.def; a process is one thread, so plain numbers do */

#include "proto/base/metric.h"

static const char *const s_names [CF_METRIC_COUNT] = {
#define METRIC(kind_, name_, caption_) #name_,
#include "proto/metrics.def"
#undef METRIC
};

static uint64_t s_values [CF_METRIC_COUNT];

void
cf_metric_add (cf_metric_id_t id, uint64_t amount)
{
    s_values [id] += amount;
}

void
cf_metric_set (cf_metric_id_t id, uint64_t value)
{
    s_values [id] = value;
}

uint64_t
cf_metric_value (cf_metric_id_t id)
{
    return s_values [id];
}

const char *
cf_metric_name (cf_metric_id_t id)
{
    return s_names [id];
}

cf_json_t *
cf_metric_json (void)
{
    cf_json_t *object = json_object ();
    for (int id = 0; id < CF_METRIC_COUNT; id++)
        if (s_values [id])
            json_object_set_new (object, s_names [id], json_integer ((json_int_t) s_values [id]));
    return object;
}
