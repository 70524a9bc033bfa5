/* check.h - the few words that unit tests are written in.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A test is a function without arguments, a test program a main() that runs some with RUN() and returns FINISH(). A
 * check that fails says where and goes on, so that one run shows all faults.
 */
#ifndef MQTTSCOPE_TEST_UNIT_CHECK_H
#define MQTTSCOPE_TEST_UNIT_CHECK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../wire/packet.h"

static unsigned checks_failed;
static const char *test_name;

/** Holds if `condition` does. */
#define CHECK(condition) check_that((condition), #condition, __FILE__, __LINE__)

/** Holds if two numbers are equal; prints both if not. */
#define CHECK_EQ(found, expected) check_equal((found), (expected), #found, __FILE__, __LINE__)

/** Holds if two strings are equal, or both NULL. */
#define CHECK_TEXT(found, expected) check_text((found), (expected), #found, __FILE__, __LINE__)

#define RUN(test)                                                                                                      \
    do {                                                                                                               \
        test_name = #test;                                                                                             \
        test();                                                                                                        \
    } while (0)

#define FINISH() (checks_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE)

static inline bool check_that(bool holds, const char *what, const char *file, int line)
{
    if (!holds) {
        fprintf(stderr, "%s:%d: %s: %s does not hold\n", file, line, test_name, what);
        checks_failed++;
    }
    return holds;
}

static inline void check_equal(uint64_t found, uint64_t expected, const char *what, const char *file, int line)
{
    if (found != expected) {
        fprintf(stderr, "%s:%d: %s: %s is %" PRIu64 ", not %" PRIu64 "\n", file, line, test_name, what, found,
                expected);
        checks_failed++;
    }
}

static inline void check_text(const char *found, const char *expected, const char *what, const char *file, int line)
{
    bool same = found == NULL || expected == NULL ? found == expected : strcmp(found, expected) == 0;
    if (!same) {
        fprintf(stderr, "%s:%d: %s: %s is %s, not %s\n", file, line, test_name, what, found ? found : "NULL",
                expected ? expected : "NULL");
        checks_failed++;
    }
}

/** Bytes in a heap block that is not one byte longer, so that a sanitizer sees each read past the end. */
struct buffer {
    uint8_t *bytes;
    uint32_t length;
};

/** A copy of the first `length` bytes. The caller frees its `bytes`. */
static inline struct buffer buffer_of(const uint8_t *bytes, uint32_t length)
{
    struct buffer buffer = {(uint8_t *)malloc(length > 0 ? length : 1), length};
    if (buffer.bytes == NULL)
        abort();
    if (length > 0)
        memcpy(buffer.bytes, bytes, length);
    return buffer;
}

/** Bytes in the notation of the crafted cases (samples.c). The caller frees its `bytes`. */
struct buffer buffer_from(const char *notation);

/** Decodes a buffer as one whole packet. */
static inline struct mqtt_packet decode_whole(struct buffer buffer, enum mqtt_version version)
{
    struct mqtt_packet packet;
    mqtt_decode(&packet, buffer.bytes, buffer.length, buffer.length, version);
    return packet;
}

/** Well-formed packets, each by one version (samples.c). The list ends with a NULL notation. */
struct sample {
    enum mqtt_version version;
    const char *notation;
};
extern const struct sample samples[];

#endif
