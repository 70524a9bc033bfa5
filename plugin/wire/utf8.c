/* utf8.c - judges whether bytes are what MQTT calls a UTF-8 Encoded String.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "utf8.h"

#include <stddef.h>
#include <string.h>

/** Reads one code point of RFC 3629; returns its length in bytes, 0 where it is ill-formed. */
static uint32_t read_code_point(const uint8_t *bytes, uint32_t left, uint32_t *code_point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = bytes[0];
    uint32_t size = first < 0x80 ? 1 : first >> 5 == 0x06 ? 2 : first >> 4 == 0x0E ? 3 : first >> 3 == 0x1E ? 4 : 0;

    if (size == 0 || size > left)
        return 0;
    uint32_t value = size == 1 ? first : first & (0xFFu >> (size + 1));
    for (uint32_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (bytes[i] & 0x3F);
    }
    bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < smallest[size] || value > 0x10FFFF || surrogate)
        return 0;
    *code_point = value;
    return size;
}

static enum mqtt_utf8 judge_code_point(uint32_t code_point)
{
    if (code_point == 0)
        return MQTT_UTF8_NULL;
    if (code_point < 0x20 || (code_point >= 0x7F && code_point <= 0x9F))
        return MQTT_UTF8_CONTROL;
    if ((code_point >= 0xFDD0 && code_point <= 0xFDEF) || (code_point & 0xFFFE) == 0xFFFE)
        return MQTT_UTF8_NON_CHARACTER;
    return MQTT_UTF8_GOOD;
}

/** True where eight bytes are printable ASCII. */
static bool are_plain(const uint8_t *bytes)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t eight;

    memcpy(&eight, bytes, sizeof eight);
    /* The top bit of a byte is set where, in this order, it is not ASCII, it is 0x7F, it is less than 0x20. What is carried to or
     * borrowed from the next byte sets no bit unless another one is set. */
    uint64_t tops = eight | (eight + each) | (eight - 0x20 * each);
    return !(tops & 0x80 * each);
}

bool mqtt_utf8_is_plain(const uint8_t *bytes, uint32_t length)
{
    uint32_t i = 0;

    if (length >= 4 && length < 8) {
        uint8_t both[8]; /* the first four bytes and the last four, which may overlap */
        memcpy(both, bytes, 4);
        memcpy(both + 4, bytes + length - 4, 4);
        return are_plain(both);
    }
    if (length < 4) {
        while (i < length && bytes[i] >= 0x20 && bytes[i] < 0x7F)
            i++;
        return i == length;
    }
    while (i < length - 8 && are_plain(bytes + i))
        i += 8;
    return i >= length - 8 && are_plain(bytes + length - 8);
}

enum mqtt_utf8 mqtt_utf8_judge(const uint8_t *bytes, uint32_t length, uint32_t *at)
{
    enum mqtt_utf8 worst = MQTT_UTF8_GOOD;
    uint32_t worst_at = 0;

    if (mqtt_utf8_is_plain(bytes, length))
        length = 0;
    for (uint32_t i = 0; i < length && worst != MQTT_UTF8_ILL_FORMED;) {
        uint32_t code_point;
        if (bytes[i] >= 0x20 && bytes[i] < 0x7F) { /* most of them, by far */
            i++;
            continue;
        }
        uint32_t size = read_code_point(bytes + i, length - i, &code_point);
        enum mqtt_utf8 judged = size == 0 ? MQTT_UTF8_ILL_FORMED : judge_code_point(code_point);
        if (judged > worst) {
            worst = judged;
            worst_at = i;
        }
        i += size;
    }
    if (at != NULL)
        *at = worst_at;
    return worst;
}

bool mqtt_utf8_is_modified(const uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length;) {
        uint8_t first = bytes[i];
        uint32_t size = first < 0x80 ? 1 : first >> 5 == 0x06 ? 2 : first >> 4 == 0x0E ? 3 : 0;
        if (first == 0 || size == 0 || size > length - i)
            return false;
        uint32_t value = size == 1 ? first : first & (0xFFu >> (size + 1));
        for (uint32_t next = i + 1; next < i + size; next++) {
            if ((bytes[next] & 0xC0) != 0x80)
                return false;
            value = value << 6 | (bytes[next] & 0x3F);
        }
        if ((size == 2 && value < 0x80 && value != 0) || (size == 3 && value < 0x800))
            return false;
        i += size;
    }
    return true;
}

uint32_t mqtt_utf8_characters(const uint8_t *bytes, uint32_t length)
{
    uint32_t characters = 0;

    for (uint32_t i = 0; i < length; i++)
        characters += (bytes[i] & 0xC0) != 0x80;
    return characters;
}
