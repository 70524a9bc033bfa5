/* json.c - judges whether bytes are JSON, strictly by the grammar of RFC 8259.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One walk from the first byte to the last; which of the open brackets are objects is a bit each, so that nesting takes no
 * recursion.
 */
#include "json.h"

#include <string.h>

#include "utf8.h"

/** The walk: what is left of the text, and the open objects and arrays. */
struct json_walk {
    const uint8_t *at;
    const uint8_t *end;
    uint32_t values;
    bool has_long_characters; /**< of more than one byte */
    unsigned depth;
    uint8_t objects[MQTT_JSON_DEPTH_MAX / 8]; /**< a bit for each level: an object, not an array */
};

/** The next byte; one that no rule of the grammar accepts at the end. */
static uint8_t peek_byte(const struct json_walk *walk)
{
    return walk->at < walk->end ? *walk->at : 0;
}

/** Passes the byte if it is the next one. */
static bool pass_byte(struct json_walk *walk, uint8_t byte)
{
    bool is_next = walk->at < walk->end && *walk->at == byte;
    walk->at += is_next;
    return is_next;
}

static void pass_space(struct json_walk *walk)
{
    while (walk->at < walk->end && (*walk->at == ' ' || *walk->at == '\n' || *walk->at == '\r' || *walk->at == '\t'))
        walk->at++;
}

static bool pass_digits(struct json_walk *walk)
{
    const uint8_t *from = walk->at;

    while (walk->at < walk->end && *walk->at >= '0' && *walk->at <= '9')
        walk->at++;
    return walk->at > from;
}

static bool is_hex_digit(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

/** The rest of an escape, section 7. */
static bool pass_escape(struct json_walk *walk)
{
    uint8_t kind = peek_byte(walk);

    if (kind == 0 || strchr("\"\\/bfnrtu", kind) == NULL)
        return false;
    walk->at++;
    for (unsigned i = 0; kind == 'u' && i < 4; i++, walk->at++)
        if (!is_hex_digit(peek_byte(walk)))
            return false;
    return true;
}

/** A string, section 7. That it is UTF-8 is judged of the whole text. */
static bool pass_string(struct json_walk *walk)
{
    if (!pass_byte(walk, '"'))
        return false;
    while (walk->at < walk->end) {
        uint8_t byte = *walk->at++;
        if (byte == '"')
            return true;
        if (byte < 0x20 || (byte == '\\' && !pass_escape(walk)))
            return false;
        walk->has_long_characters |= byte >= 0x80;
    }
    return false;
}

/** A number, section 6. */
static bool pass_number(struct json_walk *walk)
{
    (void)pass_byte(walk, '-');
    if (!pass_byte(walk, '0') && !pass_digits(walk))
        return false;
    if (pass_byte(walk, '.') && !pass_digits(walk))
        return false;
    if (!pass_byte(walk, 'e') && !pass_byte(walk, 'E'))
        return true;
    if (!pass_byte(walk, '+'))
        (void)pass_byte(walk, '-');
    return pass_digits(walk);
}

static bool pass_literal(struct json_walk *walk, const char *literal)
{
    size_t length = strlen(literal);
    bool is_next = (size_t)(walk->end - walk->at) >= length && memcmp(walk->at, literal, length) == 0;

    walk->at += is_next ? length : 0;
    return is_next;
}

/** A value that is neither object nor array, section 3. */
static bool pass_scalar(struct json_walk *walk)
{
    switch (peek_byte(walk)) {
    case '"':
        return pass_string(walk);
    case 't':
        return pass_literal(walk, "true");
    case 'f':
        return pass_literal(walk, "false");
    case 'n':
        return pass_literal(walk, "null");
    default:
        return pass_number(walk);
    }
}

/** A member's name and the colon after it, section 4. */
static bool pass_name(struct json_walk *walk)
{
    pass_space(walk);
    if (!pass_string(walk))
        return false;
    pass_space(walk);
    return pass_byte(walk, ':');
}

static bool is_in_object(const struct json_walk *walk)
{
    unsigned level = walk->depth - 1;
    return walk->objects[level / 8] >> level % 8 & 1;
}

/** Enters the object or array whose bracket is next. */
static bool open_bracket(struct json_walk *walk)
{
    unsigned level = walk->depth++;
    uint8_t bit = (uint8_t)(1u << level % 8);

    if (level == MQTT_JSON_DEPTH_MAX)
        return false;
    if (*walk->at++ == '{')
        walk->objects[level / 8] |= bit;
    else
        walk->objects[level / 8] &= (uint8_t)~bit;
    return true;
}

/** Leaves the innermost object or array if its closing bracket is next. */
static bool close_bracket(struct json_walk *walk)
{
    bool is_closed = pass_byte(walk, is_in_object(walk) ? '}' : ']');
    walk->depth -= is_closed;
    return is_closed;
}

/** A value up to where the next one begins: past the brackets that close after it, the comma and the next one's name. False
 *  where that is not JSON; at the end of the outermost value no bracket is open. */
static bool pass_value(struct json_walk *walk)
{
    bool is_container = peek_byte(walk) == '{' || peek_byte(walk) == '[';

    walk->values++;
    if (is_container ? !open_bracket(walk) : !pass_scalar(walk))
        return false;
    pass_space(walk);
    bool is_open = is_container && !close_bracket(walk);
    while (!is_open) {
        pass_space(walk);
        if (walk->depth == 0)
            return true;
        is_open = pass_byte(walk, ',');
        if (!is_open && !close_bracket(walk))
            return false;
    }
    if (is_in_object(walk) && !pass_name(walk))
        return false;
    pass_space(walk);
    return true;
}

bool mqtt_json_check(const uint8_t *text, uint32_t length, uint32_t *values)
{
    struct json_walk walk = {.at = text, .end = text + length};

    pass_space(&walk);
    if (peek_byte(&walk) != '{' && peek_byte(&walk) != '[')
        return false;
    do
        if (!pass_value(&walk))
            return false;
    while (walk.depth > 0);
    *values = walk.values;
    return walk.at == walk.end &&
           (!walk.has_long_characters || mqtt_utf8_judge(text, length, NULL) < MQTT_UTF8_ILL_FORMED);
}
