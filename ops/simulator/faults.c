/* SPDX-License-Identifier: MPL-2.0 */
/*  faults - orders from directives and rules, counted so that each hits only as many requests as it says */

#include "ops/simulator/faults.h"
#include "ops/simulator/idea.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLAW_COUNTER CF_FAULTS_MAX_DIRECTIVES   /* its place behind the counters of the directives */
#define PROBES 8
#define DEFAULT_RETRY_MS 1000

static const char *const s_names [] = {
    "none",
#define FAULT(id_, name_, caption_) name_,
#include "ops/simulator/faults.def"
#undef FAULT
};

int
cf_fault_parse (const char *name, cf_fault_t *fault)
{
    *fault = (cf_fault_t) { CF_FAULT_NONE, 0 };
    if (!*name || !strcmp (name, "none"))
        return 0;
    if (!strncmp (name, "status", 6)) {
        char *end;
        long status = strtol (name + 6, &end, 10);
        if (*end || status < 400 || status > 599)
            return -1;
        *fault = (cf_fault_t) { CF_FAULT_STATUS, (int) status };
        return 0;
    }
    for (int kind = CF_FAULT_STATUS + 1; kind < CF_FAULTS; kind++)
        if (!strcmp (name, s_names [kind])) {
            fault->kind = (cf_fault_kind_t) kind;
            return 0;
        }
    return -1;
}

char *
cf_fault_name (cf_fault_t fault, char text [CF_FAULT_NAME_SIZE])
{
    if (fault.kind == CF_FAULT_STATUS)
        snprintf (text, CF_FAULT_NAME_SIZE, "status%d", fault.status);
    else
        snprintf (text, CF_FAULT_NAME_SIZE, "%s", s_names [fault.kind]);
    return text;
}

static cf_order_t
s_blank_order (void)
{
    return (cf_order_t) { .latency_ms = -1, .count = UINT64_MAX, .retry_ms = DEFAULT_RETRY_MS };
}

static uint64_t
s_number (const char *text, uint64_t max)
{
    uint64_t number = strtoull (text, NULL, 10);
    return *text == '-' || number > max? max: number;
}

/*  One "key=value" of a directive; what is not understood is left aside: it is only text in somebody's idea. */
static void
s_apply (cf_order_t *order, const char *key, const char *value)
{
    if (!strcmp (key, "latency"))
        order->latency_ms = (int64_t) s_number (value, CF_FAULT_MAX_LATENCY_MS);
    else if (!strcmp (key, "fault"))
        (void) cf_fault_parse (value, &order->fault);
    else if (!strcmp (key, "count"))
        order->count = s_number (value, UINT64_MAX);
    else if (!strcmp (key, "qa_fail"))
        order->qa_fail = (unsigned) s_number (value, 1000);
    else if (!strcmp (key, "pedagogy_code"))
        order->pedagogy_code = (unsigned) s_number (value, 1000);
    else if (!strcmp (key, "retry_ms"))
        order->retry_ms = (unsigned) s_number (value, 3600000);
    else if (!strcmp (key, "format"))
        snprintf (order->format, sizeof order->format, "%s", value);
    else if (!strcmp (key, "agent"))
        snprintf (order->agent, sizeof order->agent, "%s", value);
}

static void
s_read_order (cf_order_t *order, const char *text, size_t size)
{
    char copy [200], *rest = copy, *pair;
    *order = s_blank_order ();
    snprintf (copy, sizeof copy, "%.*s", (int) (size < sizeof copy? size: sizeof copy - 1), text);
    while ((pair = strsep (&rest, " \t\n,;"))) {
        char *equals = strchr (pair, '=');
        if (equals) {
            *equals = 0;
            s_apply (order, pair, equals + 1);
        }
    }
    if (order->fault.kind && order->count == UINT64_MAX)
        order->count = 1;               /* an idea that fails for ever has to say so */
}

void
cf_directives_take (cf_directives_t *self, char *text)
{
    *self = (cf_directives_t) { .key = cf_idea_hash (text, strlen (text)) };
    char *open;
    while ((open = strstr (text, "[[sim"))) {
        char *close = strstr (open, "]]");
        if (!close)
            break;
        if (self->count < CF_FAULTS_MAX_DIRECTIVES)
            s_read_order (&self->orders [self->count++], open + 5, (size_t) (close - open) - 5);
        close += 2;
        while (open > text && close [0] == ' ' && open [-1] == ' ')
            close++;
        memmove (open, close, strlen (close) + 1);
    }
    size_t size = strlen (text);
    while (self->count && size && isspace ((unsigned char) text [size - 1]))
        text [--size] = 0;
}

/*  The counter of one directive of one idea; made where there is none. */
static uint64_t *
s_counter (cf_faults_t *self, uint64_t key, size_t index)
{
    key = (key ^ (index + 1) * UINT64_C (0x9E3779B97F4A7C15)) | 1;
    size_t start = (size_t) (key >> 20) % CF_FAULTS_COUNTERS;
    for (size_t probe = 0; probe < PROBES; probe++) {
        size_t slot = (start + probe) % CF_FAULTS_COUNTERS;
        if (self->counters [slot].key == key)
            return &self->counters [slot].count;
        if (!self->counters [slot].key) {
            self->counters [slot].key = key;
            return &self->counters [slot].count;
        }
    }
    self->counters [start].key = key;
    self->counters [start].count = 0;
    return &self->counters [start].count;
}

/*  Embeddings are meant only by who names them: they come at times that no test can foresee. */
static bool
s_concerns (const cf_order_t *order, const char *format, const char *agent, const char *text)
{
    if (order->format [0] && strcmp (order->format, format) != 0)
        return false;
    if (!order->agent [0] && !strcmp (agent, CF_FAULTS_EMBEDDING))
        return false;
    return (!order->agent [0] || !strcmp (order->agent, agent)) && (!order->contains [0] || strstr (text, order->contains));
}

/*  How many answers of agent are to be flawed. */
static unsigned
s_flaws (const cf_order_t *order, const char *agent)
{
    return !strcmp (agent, "qa")? order->qa_fail: !strcmp (agent, "pedagogy")? order->pedagogy_code: 0;
}

static void
s_obey (cf_fate_t *fate, const cf_order_t *order, uint64_t *used, bool *timed)
{
    if (order->latency_ms >= 0 && !*timed) {
        fate->latency_ms = (uint64_t) order->latency_ms;
        *timed = true;
    }
    if (order->fault.kind && !fate->fault.kind && *used < order->count) {
        ++*used;
        fate->fault = order->fault;
        fate->retry_ms = order->retry_ms;
    }
}

cf_fate_t
cf_faults_choose (cf_faults_t *self, const char *format, const char *agent, const char *text, const cf_directives_t *directives)
{
    cf_fate_t fate = { .latency_ms = strcmp (agent, CF_FAULTS_EMBEDDING)? self->latency_ms: 0, .retry_ms = DEFAULT_RETRY_MS };
    bool timed = false;
    for (size_t at = 0; at < directives->count; at++) {
        const cf_order_t *order = &directives->orders [at];
        unsigned flaws = s_flaws (order, agent);
        if (flaws)
            fate.flawed |= *s_counter (self, directives->key, FLAW_COUNTER) < flaws;
        if (s_concerns (order, format, agent, text))
            s_obey (&fate, order, s_counter (self, directives->key, at), &timed);
    }
    for (size_t at = 0; at < self->rule_count; at++)
        if (s_concerns (&self->rules [at], format, agent, text))
            s_obey (&fate, &self->rules [at], &self->rules [at].used, &timed);
    return fate;
}

void
cf_faults_answered (cf_faults_t *self, const char *agent, const cf_directives_t *directives)
{
    for (size_t at = 0; at < directives->count; at++)
        if (s_flaws (&directives->orders [at], agent)) {
            ++*s_counter (self, directives->key, FLAW_COUNTER);
            return;
        }
}

int
cf_faults_configure (cf_faults_t *self, const cf_json_t *document, cf_error_t *error)
{
    cf_order_t rule = s_blank_order ();
    const cf_json_t *match = json_object_get (document, "match"), *fault = json_object_get (document, "fault");
    int64_t latency_ms = cf_json_int (document, "latency_ms", -1), count = cf_json_int (document, "count", -1);
    if (!json_is_object (document) || (match && !json_is_object (match)))
        return cf_error_set (error, CF_ERROR_INVALID, "settings and match are objects");
    if (json_is_null (fault))
        self->rule_count = 0;
    if (json_is_string (fault) && cf_fault_parse (json_string_value (fault), &rule.fault))
        return cf_error_set (error, CF_ERROR_INVALID, "no such fault: %.100s", json_string_value (fault));
    if (latency_ms > CF_FAULT_MAX_LATENCY_MS)
        return cf_error_set (error, CF_ERROR_INVALID, "latency_ms is at most %d", CF_FAULT_MAX_LATENCY_MS);
    snprintf (rule.format, sizeof rule.format, "%s", cf_json_str (match, "format", ""));
    snprintf (rule.agent, sizeof rule.agent, "%s", cf_json_str (match, "agent", ""));
    snprintf (rule.contains, sizeof rule.contains, "%s", cf_json_str (match, "contains", ""));
    rule.count = count < 0? UINT64_MAX: (uint64_t) count;
    rule.retry_ms = (unsigned) cf_json_int (document, "retry_ms", DEFAULT_RETRY_MS);
    if (latency_ms >= 0 && !match && !rule.fault.kind)
        self->latency_ms = (uint64_t) latency_ms;
    else if (latency_ms >= 0 || rule.fault.kind) {
        if (self->rule_count == CF_FAULTS_MAX_RULES)
            return cf_error_set (error, CF_ERROR_INVALID, "at most %d rules; POST /_sim/reset drops them", CF_FAULTS_MAX_RULES);
        rule.latency_ms = latency_ms;
        self->rules [self->rule_count++] = rule;
    }
    return 0;
}

cf_json_t *
cf_faults_describe (const cf_faults_t *self)
{
    cf_json_t *rules = json_array ();
    for (size_t at = 0; at < self->rule_count; at++) {
        const cf_order_t *rule = &self->rules [at];
        char name [CF_FAULT_NAME_SIZE];
        cf_json_t *row = json_pack ("{ss s{ss ss ss} sI}", "fault", cf_fault_name (rule->fault, name), "match",
                                    "format", rule->format, "agent", rule->agent, "contains", rule->contains, "used", (json_int_t) rule->used);
        if (rule->latency_ms >= 0)
            json_object_set_new (row, "latency_ms", json_integer (rule->latency_ms));
        if (rule->count != UINT64_MAX)
            json_object_set_new (row, "count", json_integer ((json_int_t) rule->count));
        json_array_append_new (rules, row);
    }
    return json_pack ("{sI so}", "latency_ms", (json_int_t) self->latency_ms, "rules", rules);
}

void
cf_faults_reset (cf_faults_t *self, uint64_t latency_ms)
{
    *self = (cf_faults_t) { .latency_ms = latency_ms };
}
