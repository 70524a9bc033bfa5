/* histogram.h - times in buckets that widen with them, for percentiles in bounded memory.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_TAP_HISTOGRAM_H
#define MQTTSCOPE_TAP_HISTOGRAM_H

#include <stdint.h>

/** Eight buckets double the time, so that what is read from one is wrong by 6 % at most; from a microsecond to an hour. */
enum { HISTOGRAM_STEPS = 8, HISTOGRAM_BUCKETS = 32 * HISTOGRAM_STEPS, HISTOGRAM_ERROR_PERCENT = 6 };

/** Times. All zero while there are none. */
struct histogram {
    uint64_t count;
    int64_t least_ns; /**< exact, as the next */
    int64_t most_ns;
    uint32_t buckets[HISTOGRAM_BUCKETS];
};

/** Counts a time. */
void histogram_add(struct histogram *histogram, int64_t ns);

/** The time in seconds that so many of a hundred do not exceed; 0 where there are none. */
double histogram_percentile(const struct histogram *histogram, unsigned percent);

#endif
