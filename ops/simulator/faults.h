/* SPDX-License-Identifier: MPL-2.0 */
/*  faults - which request is to fail, and how; how slow it is to be
 *
 *  Four places may say so; the first that does wins: the request's own headers, directives inside the idea
 *  ([[sim fault=cut count=2 agent=code]]), rules set at /_sim/settings, the global latency.
 */
#ifndef CF_SIMULATOR_FAULTS_H
#define CF_SIMULATOR_FAULTS_H

#include "ops/simulator/scan.h"
#include "proto/base/json.h"

#include <stdint.h>

typedef enum {
    CF_FAULT_NONE,
#define FAULT(id_, name_, caption_) CF_FAULT_##id_,
#include "ops/simulator/faults.def"
#undef FAULT
    CF_FAULTS
} cf_fault_kind_t;

typedef struct {
    cf_fault_kind_t kind;
    int status;                 /* of CF_FAULT_STATUS */
} cf_fault_t;

#define CF_FAULT_NAME_SIZE 24
#define CF_FAULT_MAX_LATENCY_MS 600000

/*  One order to be slow or to fail. */
typedef struct {
    char format [16];           /* wire format it concerns (openai, anthropic, gemini); "" all */
    char agent [32];            /* whom it concerns; "" all */
    char contains [120];        /* a part of the idea it concerns; "" all */
    int64_t latency_ms;         /* -1: says nothing */
    cf_fault_t fault;
    uint64_t count;             /* requests it hits */
    uint64_t used;              /* requests it has hit */
    unsigned qa_fail;           /* reviews that find something to complain about */
    unsigned pedagogy_code;     /* mentor's answers that hold code */
    unsigned retry_ms;          /* Retry-After of an error answer */
} cf_order_t;

#define CF_FAULTS_MAX_DIRECTIVES 4
#define CF_FAULTS_MAX_RULES 64
#define CF_FAULTS_COUNTERS 4096
#define CF_FAULTS_EMBEDDING "embedding"     /* the agent that embeddings are counted to; global orders spare it */

/*  What an idea's own text orders. */
typedef struct {
    cf_order_t orders [CF_FAULTS_MAX_DIRECTIVES];
    size_t count;
    uint64_t key;               /* hash of the idea: whose counters they are */
} cf_directives_t;

typedef struct {
    uint64_t latency_ms;        /* global */
    cf_order_t rules [CF_FAULTS_MAX_RULES];
    size_t rule_count;
    struct { uint64_t key, count; } counters [CF_FAULTS_COUNTERS];  /* of directives; the oldest give way */
} cf_faults_t;

/*  What one request is to suffer. */
typedef struct {
    cf_fault_t fault;
    uint64_t latency_ms;
    unsigned retry_ms;
    bool flawed;                /* the answer is whole, and has the flaw that a directive asks for */
} cf_fate_t;

/*  Reads a fault's name ("cut", "status503"; "" and "none" are none). 0, or -1 if there is no such fault. */
int cf_fault_parse (const char *name, cf_fault_t *fault);
/*  Writes the name into text, and returns it. */
char *cf_fault_name (cf_fault_t fault, char text [CF_FAULT_NAME_SIZE]);

/*  Takes the directives out of text (in place) into self; key is the hash of the text with them. */
void cf_directives_take (cf_directives_t *self, char *text);

/*  What the request of agent about text, in a wire format, is to suffer; counts what it hits. */
cf_fate_t cf_faults_choose (cf_faults_t *self, const char *format, const char *agent, const char *text, const cf_directives_t *directives);
/*  Says that an answer of agent was given to its end, for directives that flaw the first answers to an idea. */
void cf_faults_answered (cf_faults_t *self, const char *agent, const cf_directives_t *directives);
/*  Applies a document {latency_ms?, fault?, count?, retry_ms?, match?: {format?, agent?, contains?}}; fault null drops all
    rules. 0, or -1 with error. */
int cf_faults_configure (cf_faults_t *self, const cf_json_t *document, cf_error_t *error);
/*  The settings as a document; yours to json_decref. */
cf_json_t *cf_faults_describe (const cf_faults_t *self);
/*  Forgets rules and counters. */
void cf_faults_reset (cf_faults_t *self, uint64_t latency_ms);

#endif
