/* SPDX-License-Identifier: MPL-2.0 */
/*  heap - smallest first, whatever is moved or taken out in between */

#include "proto/base/heap.h"
#include "tests/support/unit.h"

START_TEST (keeps_the_order_under_random_use)
{
    enum { COUNT = 500 };
    static cf_heap_node_t nodes [COUNT];
    cf_heap_t heap = { 0 };
    unsigned seed = 7;
    for (int round = 0; round < 20000; round++) {
        cf_heap_node_t *node = &nodes [rand_r (&seed) % COUNT];
        if (rand_r (&seed) % 3)
            ck_assert_int_eq (cf_heap_put (&heap, node, (uint64_t) rand_r (&seed) % 1000), 0);
        else
            cf_heap_remove (&heap, node);
    }
    uint64_t last = 0;
    size_t left = heap.size;
    for (cf_heap_node_t *node; (node = cf_heap_peek (&heap)); left--) {
        ck_assert_uint_ge (node->key, last);
        last = node->key;
        cf_heap_remove (&heap, node);
        ck_assert (!cf_heap_contains (node));
    }
    ck_assert_uint_eq (left, 0);
    cf_heap_free (&heap);
}
END_TEST

UNIT_MAIN ("heap", keeps_the_order_under_random_use)
