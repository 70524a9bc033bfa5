/* clock.c - the time that passed between two packets, as far as the clocks of the capture can be trusted.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "clock.h"

#include <glib.h>

#include "../facts/facts.h"

/* Interfaces of one machine hand their frames over in bunches: by less than this, times run back every day. */
static const int64_t JITTER_NS = INT64_C(100000000);

/* All steps together; and the last time that there is, so that a difference of two fits into 64 bits. */
static const int64_t MOST_NS = INT64_C(1000000000000000000);
static const int64_t LATEST_NS = INT64_C(4600000000000000000);

struct track_clock track_clock_new(void)
{
    return (struct track_clock){.latest_ns = TRACK_TIME_UNKNOWN, .step_ns = TRACK_TIME_UNKNOWN};
}

/** The clock has stepped back. Times that run back by decades tell nothing any more: the model's time stands still then. */
static int64_t step_back(struct track_clock *clock, int64_t by_ns)
{
    if (by_ns > MOST_NS - clock->offset_ns) {
        clock->step_ns = INT64_MAX;
        return clock->latest_ns;
    }
    clock->offset_ns += by_ns;
    clock->doubt_ns = MAX(clock->doubt_ns, by_ns);
    return clock->step_ns = clock->latest_ns;
}

int64_t track_clock_read(struct track_clock *clock, int64_t captured_ns)
{
    int64_t now_ns = MIN(captured_ns + clock->offset_ns, LATEST_NS);

    clock->ran_back |= clock->latest_ns != TRACK_TIME_UNKNOWN && now_ns < clock->latest_ns;
    if (clock->step_ns == INT64_MAX)
        return clock->latest_ns;
    if (clock->latest_ns != TRACK_TIME_UNKNOWN && now_ns < clock->latest_ns - JITTER_NS)
        return step_back(clock, clock->latest_ns - now_ns);
    clock->latest_ns = MAX(clock->latest_ns, now_ns);
    return now_ns;
}

int64_t track_clock_convert(const struct track_clock *clock, int64_t captured_ns)
{
    return clock->offset_ns == 0 ? captured_ns : TRACK_TIME_UNKNOWN;
}
