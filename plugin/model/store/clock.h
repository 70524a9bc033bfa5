/* clock.h - the time that passed between two packets, as far as the clocks of the capture can be trusted.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A clock may be set back while it stamps frames, and the frames of two interfaces may be stamped by clocks that disagree:
 * then times run back from one packet to the next. The model's own time never does, so that what came later in the file
 * is later; how long anything took across such a step is not known, and what took long after it may have taken less, by as
 * much as the clocks disagree.
 */
#ifndef MQTTSCOPE_MODEL_STORE_CLOCK_H
#define MQTTSCOPE_MODEL_STORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/** The clock of a capture. Written by clock.c. */
struct track_clock {
    int64_t latest_ns; /**< the model's time of the latest packet; TRACK_TIME_UNKNOWN before the first */
    int64_t offset_ns; /**< what the model's time is ahead of the capture's */
    int64_t step_ns;   /**< the model's time of the latest step back; TRACK_TIME_UNKNOWN where there was none */
    int64_t doubt_ns;  /**< the largest step back */
    bool ran_back;     /**< some packet has an earlier time than the one before: what came first is not known */
};

/** A capture's clock before the first packet. */
struct track_clock track_clock_new(void);

/** The model's time of a packet that was captured at a time. */
int64_t track_clock_read(struct track_clock *clock, int64_t captured_ns);

/** The model's time of what was captured earlier; TRACK_TIME_UNKNOWN where the clock has stepped back since, or may have. */
int64_t track_clock_convert(const struct track_clock *clock, int64_t captured_ns);

/** The least and the most that passed between two times of the model, both of which are known. Where a step lies between them
 *  nobody knows: the least is negative then, and the most as large as can be. */
static inline int64_t track_least_elapsed_ns(const struct track_clock *clock, int64_t from_ns, int64_t to_ns)
{
    return from_ns < clock->step_ns ? -1 : to_ns - from_ns - clock->doubt_ns;
}
static inline int64_t track_most_elapsed_ns(const struct track_clock *clock, int64_t from_ns, int64_t to_ns)
{
    bool is_sure = from_ns >= clock->step_ns && to_ns - from_ns <= INT64_MAX - clock->doubt_ns;
    return is_sure ? to_ns - from_ns + clock->doubt_ns : INT64_MAX;
}

#endif
