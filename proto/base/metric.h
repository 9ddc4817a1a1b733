/* SPDX-License-Identifier: MPL-2.0 */
/*  metric - the counters and gauges of proto/metrics.def, one number each in every process */
#ifndef CF_BASE_METRIC_H
#define CF_BASE_METRIC_H

#include "proto/base/json.h"

#include <stdint.h>

typedef enum {
#define METRIC(kind_, name_, caption_) CF_METRIC_##name_,
#include "proto/metrics.def"
#undef METRIC
    CF_METRIC_COUNT
} cf_metric_id_t;

void cf_metric_add (cf_metric_id_t id, uint64_t amount);
void cf_metric_set (cf_metric_id_t id, uint64_t value);
uint64_t cf_metric_value (cf_metric_id_t id);
/*  Name as in the table; static storage. */
const char *cf_metric_name (cf_metric_id_t id);
/*  Object of all metrics that are not 0, by name; yours to json_decref. */
cf_json_t *cf_metric_json (void);

#endif
