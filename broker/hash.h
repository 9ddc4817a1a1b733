/* SPDX-License-Identifier: MPL-2.0 */
/*  hash - uthash and utlist, told that the broker lives on when memory runs out
 *
 *  After HASH_ADD… an element whose hh.tbl is NULL was not added.
 */
#ifndef CF_BROKER_HASH_H
#define CF_BROKER_HASH_H

#define HASH_NONFATAL_OOM 1

#include <uthash.h>
#include <utlist.h>

#endif
