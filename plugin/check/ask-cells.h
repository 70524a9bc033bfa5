/* ask-cells.h - which rules are asked, by the cells of their rows, for the files that expand them: ask.c and occasions.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Most packets break no rule, so that what asking takes counts: a file makes a function for each packet type that comes often, with
 * no more in it than the rules of that type. Which these are is known when it is compiled, but for the version and what the packet
 * shows.
 */
#ifndef MQTTSCOPE_CHECK_ASK_CELLS_H
#define MQTTSCOPE_CHECK_ASK_CELLS_H

#include "ask.h"
#include "row-words.h"

/* Of a function whose arguments `kind` and `type` are constants where it is called: no code is made for other rules. Where nothing
 * is optimised there is one function for all of them: tools/rules, which compiles this often, would wait for some fifty copies of
 * all rules. */
#ifdef __OPTIMIZE__
#define ASKED_IN_PLACE static inline __attribute__((always_inline))
#else
#define ASKED_IN_PLACE static
#endif

/* ABOUT: true for the subjects of `kind`. SUBJECT_ANOMALY(symbol) is the file's own. */
#define ABOUT_ABOUT(what) SUBJECT_##what
#define SUBJECT_PACKET kind == CHECK_ABOUT_PACKET
#define SUBJECT_FAULT kind == CHECK_ABOUT_FAULT
#define SUBJECT_TEXT kind == CHECK_ABOUT_TEXT
#define SUBJECT_PROPERTY kind == CHECK_ABOUT_PROPERTY
#define SUBJECT_FILTER kind == CHECK_ABOUT_FILTER
#define SUBJECT_CODE kind == CHECK_ABOUT_CODE
#define ON_ON(types) (types)
#define WHEN_WHEN(...) (__VA_ARGS__)
#define NEEDS_NEEDS(needs) (needs)
#define V31_V31(ids) IS_IN_VERSION(ids) ? 0 : CHECK_NOT_IN_V31
#define V31_V31_AT(severity, ids) V31_V31(ids)
#define V311_V311(ids) IS_IN_VERSION(ids) ? 0 : CHECK_NOT_IN_V311
#define V311_V311_AT(severity, ids) V311_V311(ids)
#define V50_V50(ids) IS_IN_VERSION(ids) ? 0 : CHECK_NOT_IN_V50
#define V50_V50_AT(severity, ids) V50_V50(ids)
#define IS_IN_VERSION(ids) (0 ids)
#define ID(...) | 1
#define BY_PROPERTY | 1
#define HINT | 1

/* What keeps a rule from being asked. */
#define SILENCE(needs, v31, v311, v50)                                                                                 \
    ((uint32_t)(needs) | (v31) | (v311) | (v50) | ((needs)&CHECK_NEEDS_ANY_VERSION ? 0 : CHECK_NOT_IN_EACH_VERSION) |  \
     ((needs)&CHECK_NEEDS_OK_IF_TRUNCATED ? 0 : CHECK_NOT_IF_TRUNCATED) |                                              \
     ((needs)&CHECK_NEEDS_OK_IF_MALFORMED ? 0 : CHECK_NOT_IF_MALFORMED) |                                              \
     ((needs)&CHECK_NEEDS_FIXED_HEADER ? 0 : CHECK_NOT_BY_FIXED_HEADER))

#endif
