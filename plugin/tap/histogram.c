/* histogram.c - times in buckets that widen with them, for percentiles in bounded memory.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "histogram.h"

#include <glib.h>

static const double SECOND_NS = 1e9;

/** The bucket of a time. */
static unsigned bucket_of(int64_t ns)
{
    uint64_t us = (uint64_t)MAX(ns, 0) / 1000;
    unsigned octave = 0;

    while (octave < 31 && us >> octave >= 2 * HISTOGRAM_STEPS)
        octave++;
    uint64_t step = us >> octave;
    /* Below 16 us each microsecond has a bucket of its own; from there on a step is an eighth of its octave. */
    uint64_t bucket = octave == 0 ? step : (uint64_t)octave * HISTOGRAM_STEPS + step;
    return (unsigned)MIN(bucket, (uint64_t)HISTOGRAM_BUCKETS - 1);
}

/** The middle of a bucket, in nanoseconds. */
static double middle_of(unsigned bucket)
{
    if (bucket < 2 * HISTOGRAM_STEPS)
        return (bucket + 0.5) * 1000;
    unsigned octave = bucket / HISTOGRAM_STEPS - 1;
    unsigned step = bucket % HISTOGRAM_STEPS + HISTOGRAM_STEPS;
    return (step + 0.5) * 1000 * (double)(UINT64_C(1) << octave);
}

void histogram_add(struct histogram *histogram, int64_t ns)
{
    histogram->least_ns = histogram->count == 0 ? ns : MIN(histogram->least_ns, ns);
    histogram->most_ns = MAX(histogram->most_ns, ns);
    histogram->count++;
    histogram->buckets[bucket_of(ns)]++;
}

double histogram_percentile(const struct histogram *histogram, unsigned percent)
{
    uint64_t wanted = (histogram->count * percent + 99) / 100;
    uint64_t counted = 0;
    unsigned bucket = 0;

    if (histogram->count == 0)
        return 0;
    while (bucket < HISTOGRAM_BUCKETS - 1 && (counted += histogram->buckets[bucket]) < wanted)
        bucket++;
    double middle = middle_of(bucket);
    return MIN(MAX(middle, (double)histogram->least_ns), (double)histogram->most_ns) / SECOND_NS;
}
